#include "proxy/autoconfig/dns_records.h"

#include <string_view>
#include <utility>

#include "proxy/autoconfig/pacc_document.h"

namespace poplar::autoconfig {
namespace {

constexpr std::string_view kTtl = " 3600 IN ";

void Add(std::string& text, const std::string& name, std::string_view type,
         const std::string& data) {
  text.append(name).append(".").append(kTtl).append(type).append(" ").append(data) += '\n';
}

// "pop3s" or "pop3", as RFC 6186 and RFC 8314 name it; empty: TLS is nothing that a record can do
// without.
std::string_view NameOf(const MailServer& server, std::string_view tls, std::string_view starttls) {
  if (server.security == Security::kTls) return tls;
  return server.security == Security::kStartTls ? starttls : std::string_view();
}

// The better a server, the lower its number. A service that there is none of says so, so that no
// client goes on guessing.
void AddServices(std::string& text, const std::string& domain,
                 const std::vector<MailServer>& servers, std::string_view tls,
                 std::string_view starttls) {
  for (const std::string_view service : {tls, starttls}) {
    const std::string name = "_" + std::string(service) + "._tcp." + domain;
    bool found = false;
    for (size_t i = 0; i < servers.size(); ++i) {
      if (NameOf(servers[i], tls, starttls) != service) continue;
      found = true;
      Add(text, name, "SRV",
          std::to_string(i) + " 1 " + std::to_string(servers[i].port) + " " + servers[i].host +
              ".");
    }
    if (!found) Add(text, name, "SRV", "0 0 0 .");
  }
}

}  // namespace

std::string DnsRecords(const MailService& service) {
  const auto pacc = PaccDocument(service);
  std::string text;
  for (const std::string& domain : service.domains) {
    text += "; " + domain + "\n";
    AddServices(text, domain, service.incoming, "pop3s", "pop3");
    if (!service.outgoing.empty())
      AddServices(text, domain, service.outgoing, "submissions", "submission");
    Add(text, "autoconfig." + domain, "CNAME", service.server + ".");
    Add(text, "autodiscover." + domain, "CNAME", service.server + ".");
    if (!service.has_https) continue;
    Add(text, "_autodiscover._tcp." + domain, "SRV", "0 1 443 " + service.server + ".");
    if (!pacc) continue;
    Add(text, "ua-auto-config." + domain, "CNAME", service.server + ".");
    Add(text, "_ua-auto-config." + domain, "TXT", "\"" + PaccRecord(*pacc) + "\"");
  }
  return text;
}

}  // namespace poplar::autoconfig
