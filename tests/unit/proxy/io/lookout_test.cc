#include "proxy/io/lookout.h"

#include <gtest/gtest.h>

#include <memory>
#include <string_view>

#include "proxy/io/waker.h"
#include "tests/unit/proxy/io/both_engines.h"
#include "tests/unit/proxy/io/real_world.h"

namespace poplar::io {
namespace {

using std::chrono::milliseconds;

class LookoutTest : public OnEngine<RealWorldTest> {};

// A stream's lookout, which a test may end and begin anew.
class Watch {
 public:
  Watch(RealWorldTest& test, Stream& stream) : stream_(stream), ended_(test.proactor_->ready()) {}

  bool Begin() {
    waker_ = Waker::Of(ended_);
    return stream_.LookOut(lookout_);
  }
  bool in_flight() const { return lookout_.in_flight(); }
  Task<void> Ended() {
    while (in_flight()) co_await ended_.Wait();
  }

 private:
  Stream& stream_;
  Event ended_;
  Waker waker_;
  Lookout lookout_{waker_};
};

Task<void> SeesBytes(RealWorldTest& test) {
  const RealWorldTest::Pair pair = co_await test.Connect();
  Watch watch(test, *pair[1]);
  for (const std::string_view word : {"ping", "pong"}) {
    EXPECT_TRUE(watch.Begin());
    co_await test.proactor_->Sleep(milliseconds(20));
    EXPECT_TRUE(watch.in_flight());
    EXPECT_TRUE(co_await pair[0]->Write(word));
    co_await watch.Ended();
    EXPECT_EQ(co_await RealWorldTest::ReadBytes(*pair[1], 4), word);
  }
}
TEST_P(LookoutTest, SeesBytesAndTakesNone) { Run(SeesBytes(*this)); }

Task<void> SeesWhatIsThere(RealWorldTest& test) {
  const RealWorldTest::Pair pair = co_await test.Connect();
  EXPECT_TRUE(co_await pair[0]->Write("pingpong"));
  EXPECT_EQ((co_await pair[1]->Read())->size(), 8u);
  EXPECT_TRUE(co_await pair[0]->Write("more"));
  co_await test.proactor_->Sleep(milliseconds(20));
  Watch watch(test, *pair[1]);
  EXPECT_TRUE(watch.Begin());
  co_await watch.Ended();
  EXPECT_EQ(co_await RealWorldTest::ReadBytes(*pair[1], 4), "more");
}
TEST_P(LookoutTest, SeesWhatIsThereAlready) { Run(SeesWhatIsThere(*this)); }

// A receive that was filled to the brim leaves it open whether there is more.
Task<void> FindsNothing(RealWorldTest& test) {
  const RealWorldTest::Pair pair = co_await test.Connect();
  EXPECT_TRUE(co_await pair[0]->Write(Pattern(kReceiveBytesMax, 1)));
  co_await test.proactor_->Sleep(milliseconds(20));
  EXPECT_EQ((co_await pair[1]->Read())->size(), kReceiveBytesMax);
  Watch watch(test, *pair[1]);
  EXPECT_TRUE(watch.Begin());
  co_await test.proactor_->Sleep(milliseconds(20));
  EXPECT_TRUE(watch.in_flight());
  EXPECT_TRUE(co_await pair[0]->Write("ping"));
  co_await watch.Ended();
  EXPECT_EQ(co_await RealWorldTest::ReadBytes(*pair[1], 4), "ping");
}
TEST_P(LookoutTest, GoesOnWhereNothingIsThereAfterAll) { Run(FindsNothing(*this)); }

Task<void> SeesTheEnd(RealWorldTest& test, bool orderly) {
  RealWorldTest::Pair pair = co_await test.Connect();
  Watch watch(test, *pair[1]);
  EXPECT_TRUE(watch.Begin());
  if (!orderly) EXPECT_TRUE(co_await pair[1]->Write("that nobody reads: so the close is a reset"));
  pair[0].reset();
  co_await watch.Ended();
  const Result<Buffer> end = co_await pair[1]->Read();
  if (orderly) {
    EXPECT_TRUE(end && end->empty());
  } else {
    EXPECT_FALSE(end);
  }
}
TEST_P(LookoutTest, SeesTheEnd) { Run(SeesTheEnd(*this, true)); }
TEST_P(LookoutTest, SeesAReset) { Run(SeesTheEnd(*this, false)); }

Task<void> Cancelled(RealWorldTest& test) {
  const RealWorldTest::Pair pair = co_await test.Connect();
  Watch watch(test, *pair[1]);
  EXPECT_TRUE(watch.Begin());
  pair[1]->CancelRead();
  pair[1]->CancelRead();
  co_await watch.Ended();
  EXPECT_TRUE(watch.Begin());
  EXPECT_TRUE(co_await pair[0]->Write("ping"));
  co_await watch.Ended();
  pair[1]->CancelRead();  // finds nothing
  EXPECT_EQ(co_await RealWorldTest::ReadBytes(*pair[1], 4), "ping");
}
TEST_P(LookoutTest, EndsLikeAReadAndMayBeBegunAnew) { Run(Cancelled(*this)); }

Task<void> Aborted(RealWorldTest& test) {
  const RealWorldTest::Pair pair = co_await test.Connect();
  Watch watch(test, *pair[1]);
  EXPECT_TRUE(watch.Begin());
  pair[1]->Abort();
  co_await watch.Ended();
  EXPECT_FALSE(watch.Begin());
  EXPECT_FALSE(watch.in_flight());
}
TEST_P(LookoutTest, AbortEndsItAndNoneBeginsAfterwards) { Run(Aborted(*this)); }

POPLAR_ON_BOTH_ENGINES(LookoutTest);

}  // namespace
}  // namespace poplar::io
