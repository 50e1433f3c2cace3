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

CanonicalRules FullRules() {
  CanonicalRules rules{.default_domain = "example.org",
                       .master_separator = "*",
                       .detail_separator = "+",
                       .domain_aliases = {{"example.net", "example.org"}}};
  rules.aliases = std::make_shared<const CanonicalRules::Aliases>(CanonicalRules::Aliases{
      {"info@example.org", "anna@example.org"}, {"loop@example.org", "info@example.org"}});
  return rules;
}

TEST(CanonicalUserTest, AppliesEachRuleInItsOrder) {
  struct Case {
    std::string_view login, domain, canonical;
  };
  constexpr Case kCases[] = {
      {"Anna", "", "anna@example.org"},
      {"anna*admin", "", "anna@example.org"},
      {"anna*admin@example.com", "", "anna@example.org"},  // of the master's the domain is, too
      {"anna@example.com*admin", "", "anna@example.com"},
      {"anna+lists", "", "anna@example.org"},
      {"anna+lists+more@Example.COM*admin", "", "anna@example.com"},
      {"anna@plus+domain.org", "", "anna@plus+domain.org"},
      {"+lists@example.org", "", "+lists@example.org"},
      {"anna@EXAMPLE.net", "", "anna@example.org"},
      {"anna", "example.net", "anna@example.org"},
      {"anna", "other.org", "anna@other.org"},
      {"anna@example.org", "other.org", "anna@example.org"},
      {"INFO+x", "", "anna@example.org"},
      {"loop", "", "info@example.org"},  // no chains
  };
  const CanonicalRules rules = FullRules();
  for (const Case& c : kCases) {
    const auto user = CanonicalUser::FromLogin(c.login, rules, c.domain);
    ASSERT_TRUE(user) << c.login;
    EXPECT_EQ(user->text(), c.canonical) << c.login;
  }
}

TEST(CanonicalUserTest, RefusesNamesOfWhichNothingIsLeft) {
  for (std::string_view login : {"*admin", "@example.org", "*", "@"}) {
    const auto user = CanonicalUser::FromLogin(login, FullRules());
    ASSERT_FALSE(user) << login;
    EXPECT_EQ(user.error(), UserNameError::kEmpty);
  }
}

TEST(CanonicalUserTest, MayTellLettersApartButNotInDomains) {
  const auto user = CanonicalUser::FromLogin("Anna@Example.ORG", {.lower_case = false});
  EXPECT_EQ(user->text(), "Anna@example.org");
}

}  // namespace
}  // namespace poplar::balancer
