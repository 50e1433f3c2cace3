#include "proxy/cli/shutdown.h"

#include <gtest/gtest.h>

#include <vector>

namespace poplar::cli {
namespace {

using std::chrono::seconds;
using Step = Shutdown::Step;
using Steps = std::vector<Step>;

constexpr config::DrainConfig kRules = {
    .delay = seconds(5), .idle_grace = seconds(10), .timeout = seconds(30)};

io::Time At(int64_t second) { return io::Time(seconds(1000 + second)); }

TEST(Shutdown, GoesStepByStep) {
  Shutdown shutdown(kRules, At(0));
  EXPECT_EQ(shutdown.Due(At(0)), (Steps{Step::kAnnounce}));
  EXPECT_EQ(shutdown.Due(At(4)), Steps{});
  EXPECT_EQ(shutdown.Due(At(5)), (Steps{Step::kStopAccepting}));
  EXPECT_EQ(shutdown.Due(At(34)), Steps{});
  EXPECT_EQ(shutdown.Due(At(35)), (Steps{Step::kEndSessions}));
  EXPECT_EQ(shutdown.Due(At(1000)), Steps{}) << "a download may take its time";
}

TEST(Shutdown, WhoLooksLateLeavesNothingOut) {
  Shutdown shutdown(kRules, At(0));
  EXPECT_EQ(shutdown.Due(At(100)),
            (Steps{Step::kAnnounce, Step::kStopAccepting, Step::kEndSessions}));
}

TEST(Shutdown, ASecondWordEndsAllAtOnce) {
  Shutdown shutdown(kRules, At(0));
  EXPECT_EQ(shutdown.Due(At(0)), (Steps{Step::kAnnounce}));
  shutdown.Hurry();
  EXPECT_EQ(shutdown.Due(At(1)), (Steps{Step::kStopAccepting, Step::kEndSessions, Step::kAbort}));
  shutdown.Hurry();
  EXPECT_EQ(shutdown.Due(At(2)), Steps{});
}

TEST(Shutdown, WithoutAnyTimeAllIsDueAtOnce) {
  Shutdown shutdown({seconds(0), seconds(0), seconds(0)}, At(0));
  EXPECT_EQ(shutdown.Due(At(0)),
            (Steps{Step::kAnnounce, Step::kStopAccepting, Step::kEndSessions}));
}

TEST(Shutdown, AfterAHandOverNobodyWaitsWithTheListenersOpen) {
  Shutdown shutdown = Shutdown::AfterHandOver(kRules, At(0));
  EXPECT_EQ(shutdown.Due(At(0)), (Steps{Step::kAnnounce, Step::kStopAccepting}));
  EXPECT_EQ(shutdown.Due(At(30)), (Steps{Step::kEndSessions}));
}

}  // namespace
}  // namespace poplar::cli
