#include "proxy/directory/ldap_password.h"

#include <gtest/gtest.h>

namespace poplar::directory {
namespace {

using Read = tl::expected<pop3::Secret, std::string>;

TEST(LdapPassword, IsReadEachTimeAndStaysWhereItCannotBe) {
  std::string kept = "first";
  LdapPassword password(
      [&kept]() -> Read {
        if (kept.empty()) return tl::unexpected(std::string("cannot be read: no such file"));
        return pop3::Secret(kept);
      },
      pop3::Secret("first"));
  kept = "second";
  LdapPassword::Shown shown = password.Get();
  EXPECT_EQ(shown.secret.Expose(), "second");
  EXPECT_EQ(shown.trouble, "");
  kept = "";
  for (int i = 0; i < 2; ++i) {
    shown = password.Get();
    EXPECT_EQ(shown.secret.Expose(), "second");
    EXPECT_EQ(shown.trouble, "cannot be read: no such file");
  }
  kept = "third";
  EXPECT_EQ(password.Get().secret.Expose(), "third");
}

}  // namespace
}  // namespace poplar::directory
