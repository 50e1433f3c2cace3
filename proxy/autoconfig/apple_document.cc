#include "proxy/autoconfig/apple_document.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdio>
#include <string_view>

#include "proxy/autoconfig/xml_writer.h"
#include "proxy/tls/sha256.h"

namespace poplar::autoconfig {
namespace {

constexpr std::string_view kDoctype =
    "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
    "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">";

// RFC 9562 section 5.8: a UUID of one's own making, here out of a digest.
std::string UuidOf(std::string_view what, const std::string& address) {
  const auto digest = tls::Sha256("poplar autoconfig/" + std::string(what) + "/" + address);
  std::array<uint8_t, 16> id{};
  std::copy_n(digest.begin(), id.size(), id.begin());
  id[6] = static_cast<uint8_t>((id[6] & 0x0f) | 0x80);
  id[8] = static_cast<uint8_t>((id[8] & 0x3f) | 0x80);
  std::string text;
  for (size_t i = 0; i < id.size(); ++i) {
    char byte[4];
    std::snprintf(byte, sizeof byte, "%02X", unsigned{id[i]});
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += byte;
  }
  return text;
}

// Of a host name the labels the other way round: "org.example".
std::string Reversed(std::string_view domain) {
  std::string text;
  for (;;) {
    const size_t dot = domain.rfind('.');
    if (dot == std::string_view::npos) return text.append(domain);
    text.append(domain.substr(dot + 1)) += '.';
    domain = domain.substr(0, dot);
  }
}

// A property list's dictionary.
class Dictionary {
 public:
  explicit Dictionary(XmlWriter& xml) : xml_(xml) { xml_.Open("dict"); }
  ~Dictionary() { xml_.Close(); }
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;

  void Text(std::string_view key, std::string_view value) {
    xml_.Leaf("key", key);
    xml_.Leaf("string", value);
  }
  void Number(std::string_view key, int value) {
    xml_.Leaf("key", key);
    xml_.Leaf("integer", std::to_string(value));
  }
  void Flag(std::string_view key, bool value) {
    xml_.Leaf("key", key);
    xml_.Leaf(value ? "true" : "false", "");
  }

 private:
  XmlWriter& xml_;
};

// Apple tells TLS at once from STARTTLS by itself.
void WriteServer(Dictionary& payload, const std::string& way, const MailServer& server,
                 const std::string& user_name) {
  payload.Text(way + "MailServerAuthentication",
               server.proofs.empty() ? "EmailAuthNone" : "EmailAuthPassword");
  payload.Text(way + "MailServerHostName", server.host);
  payload.Number(way + "MailServerPortNumber", server.port);
  payload.Flag(way + "MailServerUseSSL", server.security != Security::kNone);
  if (!server.proofs.empty()) payload.Text(way + "MailServerUsername", user_name);
}

// What every payload has, the profile itself too.
void WritePayload(Dictionary& payload, std::string_view type, const std::string& name,
                  const std::string& identifier, const std::string& uuid) {
  payload.Text("PayloadDisplayName", name);
  payload.Text("PayloadIdentifier", identifier);
  payload.Text("PayloadType", type);
  payload.Text("PayloadUUID", uuid);
  payload.Number("PayloadVersion", 1);
}

}  // namespace

bool CanDescribeToApple(const MailService& service) {
  return service.incoming.front().TakesPasswords() && !service.outgoing.empty();
}

std::string AppleDocument(const MailService& service, const EmailAddress& address) {
  assert(CanDescribeToApple(service));
  const std::string text = address.Text();
  const std::string user_name = service.UserName(address);
  const std::string identifier =
      Reversed(address.domain) + ".poplar." + UuidOf("identifier", text).substr(0, 8);
  XmlWriter xml(kDoctype);
  xml.Open("plist", {{"version", "1.0"}});
  {
    Dictionary profile(xml);
    xml.Leaf("key", "PayloadContent");
    xml.Open("array");
    {
      Dictionary mail(xml);
      mail.Text("EmailAccountDescription", service.display_name);
      mail.Text("EmailAccountType", "EmailTypePOP");
      mail.Text("EmailAddress", text);
      WriteServer(mail, "Incoming", service.incoming.front(), user_name);
      WriteServer(mail, "Outgoing", service.outgoing.front(), user_name);
      if (service.outgoing.front().TakesPasswords())
        mail.Flag("OutgoingPasswordSameAsIncomingPassword", true);
      WritePayload(mail, "com.apple.mail.managed", service.display_name, identifier + ".mail",
                   UuidOf("mail", text));
    }
    xml.Close();
    profile.Text("PayloadDescription", "Sets up " + text + " in Mail.");
    profile.Text("PayloadOrganization", service.display_name);
    profile.Flag("PayloadRemovalDisallowed", false);
    WritePayload(profile, "Configuration", service.display_name, identifier,
                 UuidOf("profile", text));
  }
  xml.Close();
  return xml.Take();
}

}  // namespace poplar::autoconfig
