#include "proxy/autoconfig/thunderbird_document.h"

#include "proxy/autoconfig/xml_writer.h"

namespace poplar::autoconfig {
namespace {

std::string_view SocketType(Security security) {
  switch (security) {
    case Security::kTls:
      return "SSL";
    case Security::kStartTls:
      return "STARTTLS";
    case Security::kNone:
      return "plain";
  }
  return "";
}

std::string_view Authentication(Proof proof) {
  switch (proof) {
    case Proof::kPassword:
      return "password-cleartext";
    case Proof::kChallengeResponse:
      return "password-encrypted";
    case Proof::kToken:
      return "OAuth2";
    case Proof::kCertificate:
      return "TLS-client-cert";
  }
  return "";
}

void WriteServer(XmlWriter& xml, const MailService& service, const MailServer& server,
                 std::string_view element, std::string_view type) {
  xml.Open(element, {{"type", type}});
  xml.Leaf("hostname", server.host);
  xml.Leaf("port", std::to_string(server.port));
  xml.Leaf("socketType", SocketType(server.security));
  for (const Proof proof : server.proofs) xml.Leaf("authentication", Authentication(proof));
  if (server.proofs.empty()) {
    xml.Leaf("authentication", "none");
  } else {
    xml.Leaf("username", service.full_address ? "%EMAILADDRESS%" : "%EMAILLOCALPART%");
  }
  xml.Close();
}

}  // namespace

std::string ThunderbirdDocument(const MailService& service, std::string_view domain) {
  XmlWriter xml;
  xml.Open("clientConfig", {{"version", "1.1"}});
  xml.Open("emailProvider", {{"id", domain.empty() ? service.domains.front() : domain}});
  if (domain.empty()) {
    for (const std::string& each : service.domains) xml.Leaf("domain", each);
  } else {
    xml.Leaf("domain", domain);
  }
  xml.Leaf("displayName", service.display_name);
  xml.Leaf("displayShortName", service.display_name);
  for (const MailServer& server : service.incoming)
    WriteServer(xml, service, server, "incomingServer", "pop3");
  for (const MailServer& server : service.outgoing)
    WriteServer(xml, service, server, "outgoingServer", "smtp");
  xml.Close();
  xml.Close();
  return xml.Take();
}

}  // namespace poplar::autoconfig
