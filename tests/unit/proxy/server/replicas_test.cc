#include "proxy/server/replicas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/proxy/server/server_fixture.h"

namespace poplar::server {
namespace {

using testing::HasSubstr;

TEST(BuildReplicas, IsNothingWhereNothingIsShared) {
  const auto replicas = Replicas::Build({});
  ASSERT_TRUE(replicas);
  EXPECT_EQ(*replicas, nullptr);
}

TEST(BuildReplicas, NamesTheFileWithoutAPassword) {
  config::Config config;
  config.shared_state = {.redis = "127.0.0.1:6379", .password_file = "/nowhere/password"};
  const auto replicas = Replicas::Build(config);
  ASSERT_FALSE(replicas);
  EXPECT_THAT(replicas.error(), HasSubstr("shared_state.password_file: /nowhere/password "));
}

TEST(BuildReplicas, CallPasswordsAlikeUnderTheSamePassword) {
  const std::string file = testing::TempDir() + "replicas_test_password";
  const auto key = [&file](const std::string& password, const std::string& prefix) {
    std::ofstream(file) << password << "\n";
    config::Config config;
    config.shared_state = {
        .redis = "127.0.0.1:6379", .password_file = password.empty() ? "" : file, .prefix = prefix};
    return (*Replicas::Build(config))->penalty_key();
  };
  EXPECT_EQ(key("same", "a"), key("same", "b"));
  EXPECT_NE(key("same", "a"), key("other", "a"));
  EXPECT_EQ(key("", "a"), key("", "a"));
  EXPECT_NE(key("", "a"), key("", "b"));
  std::filesystem::remove(file);
}

class ReplicasTest : public ServerTest {};

// Port 1 of loopback: nobody listens there.
TEST_F(ReplicasTest, GoesOnAloneWhereRedisIsAway) {
  config_.shared_state.redis = "127.0.0.1:1";
  Start();
  auto client = LogIn();
  EXPECT_TRUE(client->Ask("QUIT").starts_with("+OK"));
  EXPECT_THAT(HttpGet(server_->admin_port(), "/api/v1/status"),
              HasSubstr("Redis at 127.0.0.1:1 is away"));
  const std::string metrics = Metrics();
  EXPECT_THAT(metrics, HasSubstr("poplar_shared_state_up{store=\"127.0.0.1:1\"} 0\n"));
  EXPECT_THAT(
      metrics,
      HasSubstr("poplar_shared_state_claims_total{store=\"127.0.0.1:1\",result=\"alone\"} 1\n"));
  End();
  EXPECT_THAT(LogText(), HasSubstr("Redis at 127.0.0.1:1"));
}

}  // namespace
}  // namespace poplar::server
