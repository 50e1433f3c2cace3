#include <lber.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/config/ldap_filter_check.h"
#include "proxy/directory/ldap_filter.h"

// A line with a filter, and behind it a user's name: what the check lets pass libldap takes, and no
// name changes what a filter means.

// libldap's own reader of filters, by which searches are sent.
extern "C" int ldap_pvt_put_filter(BerElement* out, const char* filter);

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

// As it would go to the server; empty: libldap refuses it.
std::string Encoded(const std::string& filter) {
  const std::unique_ptr<BerElement, void (*)(BerElement*)> out(
      ber_alloc_t(LBER_USE_DER), [](BerElement* element) { ber_free(element, 1); });
  if (ldap_pvt_put_filter(out.get(), filter.c_str()) != 0) return {};
  berval bytes{};
  Require(ber_flatten2(out.get(), &bytes, 0) == 0);
  return {bytes.bv_val, bytes.bv_len};
}

std::string Length(size_t length) {
  std::string bytes;
  if (length < 0x80) return {static_cast<char>(length)};
  for (; length != 0; length >>= 8) bytes.insert(bytes.begin(), static_cast<char>(length & 0xff));
  return static_cast<char>(0x80 + bytes.size()) + bytes;
}

std::string Element(unsigned char tag, const std::string& content) {
  return static_cast<char>(tag) + Length(content.size()) + content;
}

// "uid" equals the value, byte by byte.
std::string Equality(std::string_view value) {
  constexpr unsigned char kEqualityMatch = 0xa3;
  constexpr unsigned char kOctetString = 0x04;
  return Element(kEqualityMatch,
                 Element(kOctetString, "uid") + Element(kOctetString, std::string(value)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(input.find('\n'), input.size());
  const std::string_view pattern = input.substr(0, end);
  const std::string_view user = input.substr(std::min(end + 1, input.size()));
  Require(Encoded(poplar::directory::RenderLdapFilter("(uid=%u)", user)) == Equality(user));
  if (!poplar::config::WhyBadLdapFilter(pattern).empty()) return 0;
  // Whoever the user is, and nobody in particular.
  for (const std::string_view name : {user, std::string_view(), std::string_view("*)(a=b")})
    Require(!Encoded(poplar::directory::RenderLdapFilter(pattern, name)).empty());
  return 0;
}
