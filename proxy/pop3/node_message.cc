#include "proxy/pop3/node_message.h"

#include <absl/strings/escaping.h>

#include <string>

namespace poplar::pop3 {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kNul = "\0"sv;
constexpr std::string_view kEndOfField = "\x01"sv;

// RFC 5802 section 5.1, the other way round.
std::string SaslName(std::string_view name) {
  std::string escaped;
  for (const char c : name) {
    if (c == ',') {
      escaped += "=2C";
    } else if (c == '=') {
      escaped += "=3D";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

Secret EncodeBase64(std::string_view bytes) {
  std::string text;
  absl::Base64Escape(absl::string_view(bytes.data(), bytes.size()), &text);
  Secret encoded(text);
  Wipe(text.data(), text.size());
  return encoded;
}

Secret PlainMessage(std::string_view authorization, std::string_view user,
                    std::string_view password) {
  return EncodeBase64(Secret::Join({authorization, kNul, user, kNul, password}).Expose());
}

Secret Xoauth2Message(std::string_view user, std::string_view token) {
  return EncodeBase64(
      Secret::Join({"user=", user, kEndOfField, "auth=Bearer ", token, kEndOfField, kEndOfField})
          .Expose());
}

Secret OauthBearerMessage(std::string_view user, std::string_view token) {
  return EncodeBase64(Secret::Join({"n,a=", SaslName(user), ",", kEndOfField, "auth=Bearer ", token,
                                    kEndOfField, kEndOfField})
                          .Expose());
}

}  // namespace poplar::pop3
