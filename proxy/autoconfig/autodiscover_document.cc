#include "proxy/autoconfig/autodiscover_document.h"

#include <cstdio>
#include <string_view>

#include "proxy/autoconfig/xml_writer.h"

namespace poplar::autoconfig {
namespace {

constexpr std::string_view kEnvelope =
    "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006";
constexpr std::string_view kOutlook =
    "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";

struct FaultText {
  std::string_view code;
  std::string_view message;
};

FaultText TextOf(AutodiscoverFault fault) {
  switch (fault) {
    case AutodiscoverFault::kUnknownAddress:
      return {"500", "The e-mail address cannot be found."};
    case AutodiscoverFault::kInvalidRequest:
      return {"600", "Invalid request"};
    case AutodiscoverFault::kUnknownSchema:
      return {"601", "The requested schema version is not supported."};
  }
  return {};
}

// SSL alone can't say how TLS begins; Encryption is for the clients that know it, and overrides it
// there. SPA (NTLM and its like) is taken for on where nothing is said.
void WriteProtocol(XmlWriter& xml, std::string_view type, const MailServer& server,
                   const std::string& user_name) {
  xml.Open("Protocol");
  xml.Leaf("Type", type);
  xml.Leaf("Server", server.host);
  xml.Leaf("Port", std::to_string(server.port));
  xml.Leaf("LoginName", user_name);
  xml.Leaf("DomainRequired", "off");
  xml.Leaf("SPA", "off");
  xml.Leaf("SSL", server.security == Security::kNone ? "off" : "on");
  if (server.security == Security::kStartTls) xml.Leaf("Encryption", "TLS");
  xml.Leaf("AuthRequired", server.proofs.empty() ? "off" : "on");
  xml.Close();
}

// "13:59:07.1234560", as Exchange writes it.
std::string TimeOfDay(int64_t unix_micros) {
  constexpr int64_t kMicros = 1'000'000;
  const int64_t second = unix_micros / kMicros % 86'400;
  char text[32];
  std::snprintf(text, sizeof text, "%02d:%02d:%02d.%06d0", static_cast<int>(second / 3600),
                static_cast<int>(second / 60 % 60), static_cast<int>(second % 60),
                static_cast<int>(unix_micros % kMicros));
  return text;
}

}  // namespace

std::string AutodiscoverDocument(const MailService& service, const EmailAddress& address) {
  const std::string user_name = service.UserName(address);
  XmlWriter xml;
  xml.Open("Autodiscover", {{"xmlns", kEnvelope}});
  xml.Open("Response", {{"xmlns", kOutlook}});
  xml.Open("User");
  xml.Leaf("DisplayName", address.Text());
  xml.Close();
  xml.Open("Account");
  xml.Leaf("AccountType", "email");
  xml.Leaf("Action", "settings");
  WriteProtocol(xml, "POP3", service.incoming.front(), user_name);
  if (!service.outgoing.empty()) WriteProtocol(xml, "SMTP", service.outgoing.front(), user_name);
  xml.Close();
  xml.Close();
  xml.Close();
  return xml.Take();
}

std::string AutodiscoverError(AutodiscoverFault fault, int64_t unix_micros) {
  const FaultText text = TextOf(fault);
  XmlWriter xml;
  xml.Open("Autodiscover", {{"xmlns", kEnvelope}});
  xml.Open("Response");
  xml.Open("Error", {{"Time", TimeOfDay(unix_micros)}, {"Id", "1"}});
  xml.Leaf("ErrorCode", text.code);
  xml.Leaf("Message", text.message);
  xml.Leaf("DebugData", "");
  xml.Close();
  xml.Close();
  xml.Close();
  return xml.Take();
}

}  // namespace poplar::autoconfig
