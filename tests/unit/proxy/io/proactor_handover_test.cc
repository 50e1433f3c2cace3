#include <gtest/gtest.h>
#include <sys/socket.h>

#include <optional>
#include <string>

#include "tests/unit/proxy/io/both_engines.h"
#include "tests/unit/proxy/io/real_world.h"
#include "tests/unit/proxy/io/two_workers.h"

namespace poplar::io {
namespace {

class ProactorHandoverTest : public OnEngine<TwoWorkersTest> {};

TEST_P(ProactorHandoverTest, ConnectionsHopBetweenTwoThreads) { RunHops(16, 200); }

class ProactorQuietTest : public OnEngine<RealWorldTest> {
 public:
  // The peer's deed has come through once the kernel says that there is something to read; then
  // nothing is quiet any more.
  Task<bool> BecomesLoud(Stream& stream) {
    for (int i = 0; i < 2000; ++i) {
      if (!stream.Quiet()) co_return true;
      co_await proactor_->Sleep(std::chrono::milliseconds(1));
    }
    co_return false;
  }
};

Task<void> SeesBytes(ProactorQuietTest& test) {
  RealWorldTest::Pair pair = co_await test.Connect();
  EXPECT_TRUE(pair[0]->Quiet());
  EXPECT_TRUE(co_await pair[1]->Write("x"));
  EXPECT_TRUE(co_await test.BecomesLoud(*pair[0]));
  EXPECT_EQ(co_await RealWorldTest::ReadBytes(*pair[0], 1), "x") << "looking took it";
  EXPECT_TRUE(pair[0]->Quiet());
}
TEST_P(ProactorQuietTest, SeesBytes) { Run(SeesBytes(*this)); }

Task<void> SeesTheEnd(ProactorQuietTest& test) {
  RealWorldTest::Pair pair = co_await test.Connect();
  EXPECT_TRUE(co_await pair[1]->ShutdownWrite());
  EXPECT_TRUE(co_await test.BecomesLoud(*pair[0]));
  EXPECT_TRUE(co_await pair[0]->Write("still open this way"));
}
TEST_P(ProactorQuietTest, SeesTheEnd) { Run(SeesTheEnd(*this)); }

Task<void> SeesAReset(ProactorQuietTest& test) {
  RealWorldTest::Pair pair = co_await test.Connect();
  // Closing with unread bytes is an RST.
  EXPECT_TRUE(co_await pair[0]->Write("never read"));
  EXPECT_TRUE(co_await test.BecomesLoud(*pair[1]));
  pair[1].reset();
  EXPECT_TRUE(co_await test.BecomesLoud(*pair[0]));
  EXPECT_FALSE(pair[0]->Quiet()) << "the error is told once, the end stays";
}
TEST_P(ProactorQuietTest, SeesAReset) { Run(SeesAReset(*this)); }

Task<void> SeesWhatCameWhileDetached(ProactorQuietTest& test) {
  RealWorldTest::Pair pair = co_await test.Connect();
  EXPECT_TRUE(pair[0]->Detach());
  EXPECT_TRUE(co_await pair[1]->Write("-ERR idle for too long\r\n"));
  pair[1].reset();
  pair[0]->Attach(*test.proactor_);
  EXPECT_TRUE(co_await test.BecomesLoud(*pair[0]));
  EXPECT_EQ(co_await RealWorldTest::ReadBytes(*pair[0], 1000), "-ERR idle for too long\r\n");
}
TEST_P(ProactorQuietTest, SeesWhatCameWhileDetached) { Run(SeesWhatCameWhileDetached(*this)); }

// --- the proactor's own contract

Task<void> KeepRead(Stream& stream, std::optional<Result<Buffer>>& into) {
  into = co_await stream.Read();
}

// A cancellation that is still on its way to the kernel when its receive has ended, and when the
// socket is back.
Task<void> LateCancellation(ProactorQuietTest& test) {
  RealWorldTest::Pair pair = co_await test.Connect();
  TaskScope scope(test.proactor_->ready());
  for (int i = 0; i < 200; ++i) {
    std::optional<Result<Buffer>> first, second;
    scope.Spawn(KeepRead(*pair[0], first));
    EXPECT_TRUE(co_await pair[1]->Write("x"));
    pair[0]->CancelRead();
    co_await scope.Empty();
    EXPECT_TRUE(pair[0]->Detach());
    pair[0]->Attach(*test.proactor_);
    scope.Spawn(KeepRead(*pair[0], second));
    if (first->has_value()) EXPECT_TRUE(co_await pair[1]->Write("y"));
    co_await scope.Empty();
    EXPECT_TRUE(second->has_value()) << i;
  }
}
TEST_P(ProactorQuietTest, ACancellationDoesNotOutliveTheHandover) { Run(LateCancellation(*this)); }

POPLAR_ON_BOTH_ENGINES(ProactorHandoverTest);
POPLAR_ON_BOTH_ENGINES(ProactorQuietTest);

}  // namespace
}  // namespace poplar::io
