#include "proxy/config/positions.h"

#include <gtest/gtest.h>

namespace poplar::config {
namespace {

TEST(Positions, FallsBackToWhatStandsAround) {
  Positions positions;
  positions.Add("clusters[0]", {3, 5});
  positions.Add("clusters[0].nodes[1].weight", {7, 9});
  EXPECT_EQ(positions.Find("clusters[0].nodes[1].weight"), (Position{7, 9}));
  EXPECT_EQ(positions.Find("clusters[0].nodes[2].weight"), (Position{3, 5}));
  EXPECT_EQ(positions.Find("clusters[0]"), (Position{3, 5}));
  EXPECT_EQ(positions.Find("clusters[01]"), (Position{}));
  EXPECT_EQ(positions.Find("clusters"), (Position{}));
  EXPECT_EQ(positions.Find(""), (Position{}));
}

TEST(Positions, UnreadCoversEverythingInside) {
  Positions positions;
  positions.MarkUnread("clusters[0].nodes");
  EXPECT_TRUE(positions.IsUnread("clusters[0].nodes"));
  EXPECT_TRUE(positions.IsUnread("clusters[0].nodes[3].name"));
  EXPECT_FALSE(positions.IsUnread("clusters[0].name"));
  EXPECT_FALSE(positions.IsUnread("clusters[0].nodesx"));
  EXPECT_FALSE(positions.IsUnread("clusters[0]"));
}

TEST(Paths, AreWrittenAsMessagesShowThem) {
  EXPECT_EQ(ChildPath("", "tls"), "tls");
  EXPECT_EQ(ChildPath(ItemPath(ChildPath("", "clusters"), 2), "name"), "clusters[2].name");
  EXPECT_EQ(PathKey("wei-ght_2"), "wei-ght_2");
  EXPECT_EQ(PathKey("a.b"), "\"a.b\"");
  EXPECT_EQ(PathKey("\x1b[31m"), "\"\\x1b[31m\"");
  EXPECT_EQ(PathKey(""), "\"\"");
  EXPECT_LT(PathKey(std::string(5000, 'a')).size(), 100u);
}

}  // namespace
}  // namespace poplar::config
