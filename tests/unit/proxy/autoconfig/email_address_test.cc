#include "proxy/autoconfig/email_address.h"

#include <gtest/gtest.h>

namespace poplar::autoconfig {
namespace {

std::string Parsed(std::string_view text) {
  const auto address = EmailAddress::Parse(text);
  return address ? address->local + " at " + address->domain : "none";
}

TEST(EmailAddress, TakesWhatUsersHave) {
  EXPECT_EQ(Parsed("anna@example.org"), "anna at example.org");
  EXPECT_EQ(Parsed("Anna.B+x@Example.ORG"), "Anna.B+x at example.org");
  EXPECT_EQ(Parsed("o'neil&sons@example.org"), "o'neil&sons at example.org");
  EXPECT_EQ(Parsed(std::string(64, 'a') + "@b"), std::string(64, 'a') + " at b");
}

TEST(EmailAddress, TakesNothingElse) {
  for (const std::string_view text :
       {"", "@", "anna", "anna@", "@example.org", ".anna@example.org", "anna.@example.org",
        "a..b@example.org", "anna@example..org", "anna@example.org.", "an na@example.org",
        "anna@b@example.org", "\"anna\"@example.org", "anna@[192.0.2.1]", "anna@exa_mple.org",
        "<anna@example.org>", "anna@example.org\n", "anna@example.org\r\nX: y", "\xc3\xa4@b.org"})
    EXPECT_EQ(Parsed(text), "none") << text;
  EXPECT_EQ(Parsed(std::string_view("anna\0@example.org", 17)), "none");
}

TEST(EmailAddress, IsBounded) {
  EXPECT_EQ(Parsed(std::string(65, 'a') + "@b"), "none");
  EXPECT_EQ(Parsed("a@" + std::string(64, 'b')), "none");
  std::string domain;
  for (int i = 0; i < 126; ++i) domain += "b.";
  EXPECT_NE(Parsed("a@" + domain.substr(0, 251)), "none");
  EXPECT_NE(Parsed("aa@" + domain.substr(0, 251)), "none");
  EXPECT_EQ(Parsed("aaa@" + domain.substr(0, 251)), "none");
}

TEST(EmailAddress, IsWrittenAsOne) { EXPECT_EQ((EmailAddress{"a", "b"}).Text(), "a@b"); }

}  // namespace
}  // namespace poplar::autoconfig
