#include "proxy/directory/ldap_servers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poplar::directory {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using Failure = LdapServers::Failure;

constexpr io::Time kNow{seconds(1000)};
constexpr io::Time kLater = kNow + LdapServers::kAvoidance;

TEST(LdapServers, GoodOnesAreAskedInOrder) {
  LdapServers servers(3);
  EXPECT_THAT(servers.InTurn(kNow), ElementsAre(0, 1, 2));
  for (const size_t server : {0, 1, 2}) EXPECT_TRUE(servers.MayAsk(server, kNow));
  EXPECT_EQ(servers.LastTrouble(), "");
}

TEST(LdapServers, OneThatBrokeIsAskedLastForAWhile) {
  LdapServers servers(2);
  servers.Failed(0, Failure::kBroken, "refused", kNow);
  EXPECT_THAT(servers.InTurn(kNow), ElementsAre(1, 0));
  EXPECT_TRUE(servers.MayAsk(0, kNow));
  EXPECT_TRUE(servers.MayAsk(0, kNow));
  EXPECT_EQ(servers.LastTrouble(), "refused");
  EXPECT_THAT(servers.InTurn(kLater), ElementsAre(0, 1));
  servers.Answered(0);
  EXPECT_THAT(servers.InTurn(kNow), ElementsAre(0, 1));
}

TEST(LdapServers, OneThatCostsMuchIsTriedByOneQuestionAtATime) {
  LdapServers servers(1);
  servers.Failed(0, Failure::kCostly, "silent", kNow);
  EXPECT_FALSE(servers.MayAsk(0, kNow));
  EXPECT_FALSE(servers.MayAsk(0, kLater - seconds(1)));
  EXPECT_TRUE(servers.MayAsk(0, kLater));
  EXPECT_FALSE(servers.MayAsk(0, kLater));  // the first one hasn't come back
  EXPECT_THAT(servers.InTurn(kLater), ElementsAre(0));
  servers.Answered(0);
  EXPECT_TRUE(servers.MayAsk(0, kLater));
  EXPECT_TRUE(servers.MayAsk(0, kLater));
}

// The try isn't used up by a question that another server answers.
TEST(LdapServers, ATryIsCountedOnlyWhereItIsMade) {
  LdapServers servers(2);
  servers.Failed(1, Failure::kCostly, "silent", kNow);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(servers.InTurn(kLater), ElementsAre(0, 1));
  EXPECT_TRUE(servers.MayAsk(1, kLater));
}

}  // namespace
}  // namespace poplar::directory
