#include "balancer/canonical_user.h"

#include <gtest/gtest.h>

namespace poplar::balancer {
namespace {

std::string Canonical(std::string_view login, std::string domain = "") {
  const auto user = CanonicalUser::FromLogin(login, {.default_domain = std::move(domain)});
  return user ? user->text() : "error: " + std::string(Text(user.error()));
}

TEST(CanonicalUserTest, OneSpellingPerMailbox) {
  struct Case {
    std::string_view login, domain, canonical;
  };
  constexpr Case kCases[] = {
      {"alice", "", "alice"},
      {"Alice", "", "alice"},
      {"ALICE@Example.COM", "", "alice@example.com"},
      {"Alice", "Example.com", "alice@example.com"},
      {"alice@other.org", "example.com", "alice@other.org"},
      {"alice@", "example.com", "alice@"},
      {"J\xC3\x9CRGEN", "", "j\xC3\x9Crgen"},
      {"\xFF\x80", "", "\xFF\x80"},
      {"two words", "", "two words"},
      {"[Z]_`{z}~", "", "[z]_`{z}~"},
      {"user*master+box%x", "", "user*master+box%x"},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(Canonical(c.login, std::string(c.domain)), c.canonical) << c.login;
  }
}

TEST(CanonicalUserTest, RefusesWhatNoMailboxIsCalled) {
  EXPECT_EQ(Canonical(""), "error: empty user name");
  EXPECT_EQ(Canonical("", "example.com"), "error: empty user name");
  for (int byte = 0; byte < 256; ++byte) {
    const std::string login = {'a', static_cast<char>(byte), 'b'};
    const bool is_control = byte < 32 || byte == 127;
    EXPECT_EQ(Canonical(login) == "error: control character in user name", is_control) << byte;
  }
}

TEST(CanonicalUserTest, LengthIsBoundedWithTheDomain) {
  const std::string longest(kMaxUserBytes, 'a');
  EXPECT_EQ(Canonical(longest), longest);
  EXPECT_EQ(Canonical(longest + "a"), "error: user name too long");
  const std::string local(kMaxUserBytes - 4, 'a');
  EXPECT_EQ(Canonical(local, "b.c"), local + "@b.c");
  EXPECT_EQ(Canonical(local + "a", "b.c"), "error: user name too long");
}

}  // namespace
}  // namespace poplar::balancer
