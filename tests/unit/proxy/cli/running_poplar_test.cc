#include "proxy/cli/running_poplar.h"

#include <gtest/gtest.h>

#include <string>

namespace poplar::cli {
namespace {

TEST(RunningPoplar, ReadsNodes) {
  RunningPoplar running;
  ASSERT_TRUE(ReadNodes(
      R"({"clusters":[{"cluster":"main","panic":false,"nodes":[{"node":"a","state":"up",)"
      R"("admin_state":"up","in_service":true,"evidence":""},{"node":"b","state":"ejected",)"
      R"("admin_state":"drain","in_service":false,"evidence":"said \"no\":\u000a[x], {y}"}]},)"
      R"({"cluster":"empty","nodes":[]}]})"
      "\n",
      running));
  ASSERT_EQ(running.nodes.size(), 2U);
  ASSERT_NE(running.Find("main", "a"), nullptr);
  EXPECT_TRUE(running.Find("main", "a")->in_service);
  const RunningPoplar::Node& other = *running.Find("main", "b");
  EXPECT_EQ(other.state, "ejected");
  EXPECT_EQ(other.admin_state, "drain");
  EXPECT_EQ(other.evidence, "said \"no\":\n[x], {y}");
  EXPECT_FALSE(other.in_service);
  EXPECT_EQ(running.Find("other", "a"), nullptr);
}

TEST(RunningPoplar, ReadsMoves) {
  RunningPoplar running;
  ASSERT_TRUE(ReadMoves(R"({"moves":[{"move":"away","percent":2.5},{"move":"b","percent":100}]})",
                        running));
  EXPECT_EQ(running.permille_by_move.at("away"), 25U);
  EXPECT_EQ(running.permille_by_move.at("b"), 1000U);
}

TEST(RunningPoplar, TakesNothingElse) {
  for (const char* text : {"", "<html>", "[]", "{", R"({"clusters":1})", R"({"moves":{}})",
                           R"({"moves":[{"move":"a","percent":"x"}]})"}) {
    RunningPoplar running;
    EXPECT_FALSE(ReadNodes(text, running)) << text;
    EXPECT_FALSE(ReadMoves(text, running)) << text;
  }
}

TEST(RunningPoplar, SaysWhyNobodyIsAsked) {
  config::Config config;
  config.admin.enabled = false;
  EXPECT_EQ(AskRunningPoplar(config).error(), "admin.enabled is no");
  config.admin = {.enabled = true, .address = "127.0.0.1:0"};
  EXPECT_EQ(AskRunningPoplar(config).error(), "admin.address has port 0: it may be on any");
}

}  // namespace
}  // namespace poplar::cli
