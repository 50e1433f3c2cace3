#include "proxy/server/admin_tokens.h"

#include <gtest/gtest.h>

#include <fstream>

#include "proxy/io/system_clock.h"

namespace poplar::server {
namespace {

TEST(AdminTokensTest, AreThoseOfTheFiles) {
  io::SystemRandom random;
  const tls::KeyedDigest digest(random);
  const std::string file = testing::TempDir() + "admin_tokens_test";
  std::ofstream(file) << "token\n";
  AdminTokens tokens;
  EXPECT_FALSE(tokens.Get().may_read);
  auto checks = AdminTokens::Read({.write_token_file = file}, digest);
  ASSERT_TRUE(checks) << checks.error();
  tokens.Use(std::move(*checks));
  EXPECT_FALSE(tokens.Get().may_read) << "none is needed";
  EXPECT_TRUE(tokens.Get().may_change("token"));
  EXPECT_FALSE(tokens.Get().may_change("tokem"));
  EXPECT_EQ(AdminTokens::Read({.read_token_file = "/no/such"}, digest).error(),
            "admin.read_token_file: /no/such cannot be read: No such file or directory");
}

}  // namespace
}  // namespace poplar::server
