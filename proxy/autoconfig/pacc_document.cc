#include "proxy/autoconfig/pacc_document.h"

#include "metrics/json.h"
#include "proxy/pop3/node_message.h"
#include "proxy/tls/sha256.h"

namespace poplar::autoconfig {
namespace {

constexpr uint16_t kPop3sPort = 995;
constexpr uint16_t kSubmissionsPort = 465;

const MailServer* FindTls(const std::vector<MailServer>& servers, uint16_t port) {
  const auto found = std::find_if(servers.begin(), servers.end(), [port](const MailServer& each) {
    return each.port == port && each.security == Security::kTls;
  });
  return found == servers.end() ? nullptr : &*found;
}

std::string HostOf(const MailServer& server) {
  return metrics::JsonObject().Text("host", server.host).End();
}

}  // namespace

std::optional<std::string> PaccDocument(const MailService& service) {
  using metrics::JsonObject;
  const MailServer* const pop3 = FindTls(service.incoming, kPop3sPort);
  if (pop3 == nullptr) return std::nullopt;
  JsonObject protocols;
  protocols.Raw("pop3", HostOf(*pop3));
  if (const MailServer* const submit = FindTls(service.outgoing, kSubmissionsPort))
    protocols.Raw("submit", HostOf(*submit));
  const std::string provider = JsonObject().Text("name", service.display_name).End();
  return JsonObject()
      .Raw("protocols", protocols.End())
      .Raw("authentication", JsonObject().Flag("password", pop3->TakesPasswords()).End())
      .Raw("info", JsonObject().Raw("provider", provider).End())
      .End();
}

std::string PaccRecord(const std::string& document) {
  const auto digest = tls::Sha256(document);
  const std::string_view bytes(reinterpret_cast<const char*>(digest.data()), digest.size());
  return "v=UAAC1; a=sha256; d=" + std::string(pop3::EncodeBase64(bytes).Expose());
}

}  // namespace poplar::autoconfig
