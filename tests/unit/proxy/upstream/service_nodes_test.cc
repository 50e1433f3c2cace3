#include "proxy/upstream/service_nodes.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace poplar::upstream {

static std::ostream& operator<<(std::ostream& out, const ServiceNode& node) {
  return out << node.name << " at " << node.host << ":" << node.port << " of " << node.weight;
}

namespace {

using Nodes = std::vector<ServiceNode>;

io::ServiceTarget Target(const std::string& host, uint16_t weight, uint16_t priority = 10,
                         uint16_t port = 110) {
  return {.host = host, .port = port, .priority = priority, .weight = weight};
}

TEST(ServiceNodesTest, TheBestPrioritySharesTheUsersAndTheOthersAreSpares) {
  EXPECT_EQ(NodesOf({Target("b", 5, 20), Target("a", 60), Target("c", 40)}),
            (Nodes{{"a", "a", 110, 60}, {"b", "b", 110, 0}, {"c", "c", 110, 40}}));
}

TEST(ServiceNodesTest, WeightsAreSharesWhateverTheirSize) {
  const auto weights = [](std::vector<uint16_t> of) {
    std::vector<io::ServiceTarget> targets;
    for (size_t i = 0; i < of.size(); ++i)
      targets.push_back(Target(std::string(1, static_cast<char>('a' + i)), of[i]));
    std::vector<uint32_t> result;
    for (const ServiceNode& node : NodesOf(targets)) result.push_back(node.weight);
    return result;
  };
  using Weights = std::vector<uint32_t>;
  EXPECT_EQ(weights({0, 0}), (Weights{100, 100}));
  EXPECT_EQ(weights({1, 2}), (Weights{1, 2}));
  EXPECT_EQ(weights({1000, 1}), (Weights{1000, 1}));
  EXPECT_EQ(weights({0, 100}), (Weights{1, 100}));
  EXPECT_EQ(weights({65535, 0, 1}), (Weights{1000, 1, 1}));
  EXPECT_EQ(weights({2000, 1000, 500}), (Weights{1000, 500, 250}));
}

TEST(ServiceNodesTest, TheSameRecordsGiveTheSameInWhateverOrder) {
  const std::vector one{Target("a", 1), Target("b", 2), Target("a", 3, 10, 111)};
  const std::vector other{one[2], one[1], one[0]};
  EXPECT_EQ(NodesOf(one), NodesOf(other));
}

TEST(ServiceNodesTest, EachNodeOnce) {
  EXPECT_EQ(NodesOf({Target("a", 1), Target("a", 7), Target("a", 9, 20)}),
            (Nodes{{"a", "a", 110, 7}}));
  EXPECT_EQ(NodesOf({Target("a", 1), Target("a", 2, 10, 995)}),
            (Nodes{{"a", "a", 110, 1}, {"a:995", "a", 995, 2}}));
}

// What a name server may say ends up in log lines and labels of metrics.
TEST(ServiceNodesTest, NamesThatAreNoneAreLeftOut) {
  EXPECT_EQ(NodesOf({Target("", 1), Target("a\"b", 1), Target("a b", 1), Target("a/b", 1),
                     Target("a\n", 1), Target(std::string(254, 'a'), 1)}),
            Nodes());
  EXPECT_EQ(NodesOf({Target("mail-0.mail.svc.cluster.local", 1)}).size(), 1u);
}

}  // namespace
}  // namespace poplar::upstream
