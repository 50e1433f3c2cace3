#include "bench/generator/tally.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace poplar::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

bool Has(const std::string& json, const std::string& member) {
  return json.find(member) != std::string::npos;
}

TEST(Tally, CountsSlowSessionsWhetherOrNotTheyFailed) {
  Tally tally;
  tally.SessionDone(seconds(1), false, true);
  tally.SessionDone(seconds(4), false, true);
  tally.SessionFailed(Failure::kClosed, "PASS", seconds(5), true);
  tally.SessionFailed(Failure::kRefused, "PASS", milliseconds(2), true);
  const std::string json = tally.Json(seconds(10), "none");
  EXPECT_TRUE(Has(json, R"("sessions":2)")) << json;
  EXPECT_TRUE(Has(json, R"("failed":2)")) << json;
  EXPECT_TRUE(Has(json, R"("over_3s":2)")) << json;
  EXPECT_TRUE(Has(json, R"("longest_ms":5000)")) << json;
  EXPECT_TRUE(Has(json, R"("failed_at":{"PASS":2})")) << json;
}

TEST(Tally, LeavesOutWhatDoesNotCount) {
  Tally tally;
  tally.SessionDone(seconds(4), true, false);
  tally.SessionFailed(Failure::kTimeout, "STAT", seconds(30), false);
  tally.StepDone("STAT", milliseconds(1), false);
  tally.Stalled(seconds(4), false);
  const std::string json = tally.Json(seconds(10), "none");
  EXPECT_TRUE(Has(json, R"("sessions":0,"all_sessions":1,"failed":0)")) << json;
  EXPECT_TRUE(Has(json, R"("stalled_over_3s":0,"over_3s":0,"longest_ms":0)")) << json;
  EXPECT_TRUE(Has(json, R"("steps":{})")) << json;
}

TEST(Tally, TellsTheTimesOfEachStep) {
  Tally tally;
  for (int i = 1; i <= 100; ++i) tally.StepDone("STAT", milliseconds(i), true);
  const std::string json = tally.Json(seconds(1), "none");
  EXPECT_TRUE(Has(json, R"("STAT":{"count":100,"mean_ms":50.5)")) << json;
  EXPECT_TRUE(Has(json, R"("max_ms":100)")) << json;
}

}  // namespace
}  // namespace poplar::bench
