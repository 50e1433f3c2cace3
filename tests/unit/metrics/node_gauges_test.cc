#include "metrics/node_gauges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metrics/exporter.h"
#include "tests/unit/metrics/sample_dimensions.h"
#include "tests/unit/metrics/sample_nodes.h"

namespace poplar::metrics {
namespace {

using testing::HasSubstr;

class NodeGaugesTest : public testing::Test {
 protected:
  void ExpectLines(std::initializer_list<std::string> lines) const {
    const std::string text = Exporter(layout_, {&shard_}, {}).Text();
    for (const std::string& line : lines) EXPECT_THAT(text, HasSubstr("\n" + line + "\n"));
  }

  const Layout layout_{SampleDimensions()};
  Shard shard_{layout_};
};

TEST_F(NodeGaugesTest, EveryFigureReachesItsSeries) {
  SetNodeGauges(shard_, SampleNodes());
  const std::string first = "{cluster=\"main\",node=\"mail1\"";
  const std::string second = "{cluster=\"main\",node=\"mail2\"";
  ExpectLines(
      {"poplar_pool_connections" + first + ",kind=\"in_use\"} 14",
       "poplar_pool_connections" + first + ",kind=\"warm\"} 2",
       "poplar_pool_connections" + first + ",kind=\"parked\"} 4",
       "poplar_pool_slots" + first + "} 20", "poplar_pool_slots" + second + "} 0",
       "poplar_pool_waiting" + first + "} 7", "poplar_node_state" + first + ",state=\"up\"} 1",
       "poplar_node_state" + second + ",state=\"up\"} 0",
       "poplar_node_state" + second + ",state=\"ejected\"} 1",
       "poplar_node_admin_state" + second + ",state=\"drain\"} 1",
       "poplar_node_admin_state" + second + ",state=\"up\"} 0",
       "poplar_node_in_service" + first + "} 1", "poplar_node_in_service" + second + "} 0",
       "poplar_cluster_panic{cluster=\"main\"} 0", "poplar_cluster_panic{cluster=\"other\"} 1"});
}

TEST_F(NodeGaugesTest, TheNextScrapeReplacesTheLast) {
  std::vector<ClusterView> clusters = SampleNodes();
  SetNodeGauges(shard_, clusters);
  clusters[1].panic = false;
  clusters[0].nodes[0].waiting = 0;
  clusters[0].nodes[1].state = NodeState::kUp;
  SetNodeGauges(shard_, clusters);
  ExpectLines({"poplar_cluster_panic{cluster=\"other\"} 0",
               "poplar_pool_waiting{cluster=\"main\",node=\"mail1\"} 0",
               "poplar_node_state{cluster=\"main\",node=\"mail2\",state=\"up\"} 1",
               "poplar_node_state{cluster=\"main\",node=\"mail2\",state=\"ejected\"} 0"});
}

}  // namespace
}  // namespace poplar::metrics
