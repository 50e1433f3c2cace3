#include "metrics/node_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/metrics/sample_nodes.h"

namespace poplar::metrics {
namespace {

TEST(NodesAsJsonTest, SaysEverything) {
  EXPECT_EQ(NodesAsJson(SampleNodes()),
            R"({"clusters":[{"cluster":"main","panic":false,"nodes":[)"
            R"({"node":"mail1","address":"10.0.0.1:110","state":"up","admin_state":"up",)"
            R"("in_service":true,"leaving":false,"ready_permille":1000,"weight":100,)"
            R"("sessions":12,"ejections":0,)"
            R"("slots":20,"in_use":14,"warm":2,"parked":4,"waiting":7,"evidence":""},)"
            R"({"node":"mail2","address":"10.0.0.2:110","state":"ejected","admin_state":"drain",)"
            R"("in_service":false,"leaving":false,"ready_permille":1000,"weight":50,)"
            R"("sessions":0,"ejections":3,)"
            R"("slots":0,"in_use":0,"warm":0,"parked":0,"waiting":0,)"
            R"("evidence":"5 failures in a row, the last: \"connect\u000arefused\""}]},)"
            R"({"cluster":"other","panic":true,"nodes":[)"
            R"({"node":"mail1","address":"[fd00::1]:995","state":"up","admin_state":"up",)"
            R"("in_service":true,"leaving":false,"ready_permille":250,"weight":100,)"
            R"("sessions":0,"ejections":0,)"
            R"("slots":0,"in_use":0,"warm":0,"parked":0,"waiting":0,"evidence":""}]}]})"
            "\n");
}

TEST(NodesAsJsonTest, NoNodesAreAnEmptyList) {
  EXPECT_EQ(NodesAsJson({}), "{\"clusters\":[]}\n");
  const ClusterView empty{.label = {}, .name = "main", .panic = false, .nodes = {}};
  EXPECT_EQ(NodesAsJson({&empty, 1}),
            "{\"clusters\":[{\"cluster\":\"main\",\"panic\":false,\"nodes\":[]}]}\n");
}

TEST(NodesAsTableTest, AlignsOneRowANode) {
  // clang-format off
  EXPECT_EQ(
      NodesAsTable(SampleNodes()),
      "CLUSTER  NODE   ADDRESS        STATE    ADMIN  SERVICE  WEIGHT  SESSIONS  IN-USE  WARM  PARKED  WAITING  SLOTS     LAST CHANGE\n"
      "main     mail1  10.0.0.1:110   up       up     yes      100     12        14      2     4       7        20        none\n"
      "main     mail2  10.0.0.2:110   ejected  drain  no       50      0         0       0     0       0        no limit  5 failures in a row, the last: \"connect?refused\"\n"
      "other    mail1  [fd00::1]:995  up       up     25%      100     0         0       0     0       0        no limit  none\n"
      "\n"
      "other: panic. Too much of the cluster is out, so health is not believed.\n");
  // clang-format on
}

TEST(NodesAsTableTest, SaysWhoIsLeaving) {
  ClusterView cluster{.label = {}, .name = "main", .panic = false, .nodes = {{}}};
  cluster.nodes[0].leaving = true;
  cluster.nodes[0].in_service = false;
  EXPECT_THAT(NodesAsTable({&cluster, 1}), testing::HasSubstr(" leaving "));
  EXPECT_THAT(NodesAsJson({&cluster, 1}), testing::HasSubstr("\"leaving\":true"));
}

TEST(NodesAsTableTest, TerminalControlsAreDefused) {
  ClusterView cluster{.label = {}, .name = "m\ra", .panic = true, .nodes = {{}}};
  cluster.nodes[0].evidence = "\x1b[2J\x7f";
  const std::string table = NodesAsTable({&cluster, 1});
  EXPECT_THAT(table, testing::HasSubstr("?[2J?\n"));
  EXPECT_THAT(table, testing::HasSubstr("\nm?a: panic"));
  EXPECT_EQ(table.find_first_of("\x1b\x7f\r"), std::string::npos);
}

TEST(NodesAsJsonTest, HasTheLastProbesTime) {
  ClusterView cluster{.label = {}, .name = "main", .panic = false, .nodes = {{}}};
  EXPECT_THAT(NodesAsJson({&cluster, 1}), testing::Not(testing::HasSubstr("probe_seconds")));
  cluster.nodes[0].probe_seconds = 0.0125;
  EXPECT_THAT(NodesAsJson({&cluster, 1}), testing::HasSubstr("\"probe_seconds\":0.0125}"));
}

TEST(PoolsAsJsonTest, HasARowANode) {
  std::vector<ClusterView> clusters = SampleNodes();
  clusters[0].nodes.pop_back();
  clusters[0].nodes[0].takes = {3, 2, 1};
  EXPECT_EQ(PoolsAsJson(clusters),
            R"({"pools":[{"cluster":"main","node":"mail1","slots":20,"in_use":14,"warm":2,)"
            R"("parked":4,"waiting":7,"reuse":{"parked":3,"warm":2,"new":1}},)"
            R"({"cluster":"other","node":"mail1","slots":0,"in_use":0,"warm":0,"parked":0,)"
            R"("waiting":0,"reuse":{"parked":0,"warm":0,"new":0}}]})"
            "\n");
}

}  // namespace
}  // namespace poplar::metrics
