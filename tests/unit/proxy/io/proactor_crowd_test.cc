// The real worlds where things are scarce: many connections, and hardly any buffers.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "proxy/io/sync.h"
#include "tests/unit/proxy/io/both_engines.h"
#include "tests/unit/proxy/io/real_world.h"

namespace poplar::io {
namespace {

class ProactorCrowdTest : public OnEngine<RealWorldTest> {
 public:
  void SetUp() override {}
};

Task<void> KeepRead(Stream& stream, std::optional<Result<Buffer>>& into) {
  into = co_await stream.Read();
}

Task<void> ExpectEcho(Stream& stream, std::string bytes) {
  EXPECT_TRUE(co_await stream.Write(bytes));
  const std::string back = co_await RealWorldTest::ReadBytes(stream, bytes.size());
  EXPECT_TRUE(back == bytes) << back.size() << " of " << bytes.size();
}

Task<void> EchoToTheEnd(Stream& stream) {
  for (;;) {
    const Result<Buffer> some = co_await stream.Read();
    if (!some) {
      EXPECT_TRUE(some.error().cancelled()) << some.error().Text();
      break;
    }
    if (some->empty()) break;
    EXPECT_TRUE(co_await stream.Write(some->bytes()));
  }
}

Task<void> Crowd(RealWorldTest& test) {
  constexpr size_t kConnections = 200;
  const SocketId listener = *test.proactor_->Listen(Address::Loopback(0), {});
  std::vector<RealWorldTest::Pair> pairs;
  for (size_t i = 0; i < kConnections; ++i) pairs.push_back(co_await test.Connect(listener));
  TaskScope servers(test.proactor_->ready());
  for (const auto& pair : pairs) servers.Spawn(EchoToTheEnd(*pair[1]));
  TaskScope clients(test.proactor_->ready());
  for (size_t i = 0; i < kConnections; ++i) {
    clients.Spawn(ExpectEcho(*pairs[i][0], Pattern(1 + i * 50, static_cast<uint32_t>(i))));
  }
  co_await clients.Empty();
  EXPECT_EQ(servers.count(), kConnections);
  // All at once, from one step of the loop: twice as many completions as connections.
  for (const auto& pair : pairs) pair[1]->Abort();
  co_await servers.Empty();
  co_await test.CloseListener(listener);
}

TEST_P(ProactorCrowdTest, ServesMany) {
  Open({});
  if (IsSkipped()) return;
  Run(Crowd(*this));
  EXPECT_EQ(proactor_->counters().completion_overflows, 0u);
}

class UringCrowdTest : public RealWorldTest {
 public:
  void SetUp() override { engine_ = Engine::kUring; }
};

// Eight submissions and 64 completions fit: every batch overflows them.
TEST_F(UringCrowdTest, ServesManyOverATinyRing) {
  Open({.ring_entries = 8});
  if (IsSkipped()) return;
  Run(Crowd(*this));
  EXPECT_GT(proactor_->counters().completion_overflows, 0u);
}

TEST_P(ProactorCrowdTest, ServesManyWithAHandfulOfBuffers) {
  Open({.buffer_bytes_max = 1});
  if (IsSkipped()) return;
  EXPECT_EQ(proactor_->buffers().count_max(), 8u);
  Run(Crowd(*this));
}

// Readers that keep what they got: as many as may hold a buffer, and then some that have to wait.
struct Starving {
  explicit Starving(RealWorldTest& of) : test(of), scope(of.proactor_->ready()), reads(kReaders) {}

  static constexpr size_t kReaders = 12;
  RealWorldTest& test;
  TaskScope scope;
  std::vector<RealWorldTest::Pair> pairs;
  std::vector<std::optional<Result<Buffer>>> reads;

  size_t Ended() const {
    size_t count = 0;
    for (const auto& read : reads) count += read.has_value() ? 1 : 0;
    return count;
  }

  // Until nothing more will be read with the buffers that there are.
  Task<void> Begin() {
    const SocketId listener = *test.proactor_->Listen(Address::Loopback(0), {});
    for (size_t i = 0; i < kReaders; ++i) {
      pairs.push_back(co_await test.Connect(listener));
      EXPECT_TRUE(co_await pairs.back()[0]->Write(std::to_string(i)));
    }
    for (size_t i = 0; i < kReaders; ++i) scope.Spawn(KeepRead(*pairs[i][1], reads[i]));
    const size_t share = test.proactor_->buffers().count_max() / 2;
    while (Ended() < share || test.proactor_->counters().buffer_starvations < kReaders - share) {
      co_await test.proactor_->Sleep(std::chrono::milliseconds(1));
    }
    co_await test.CloseListener(listener);
    EXPECT_EQ(Ended(), share);
  }

  void LetGo(size_t i) {
    EXPECT_TRUE(reads[i]->has_value()) << i << ": " << reads[i]->error().Text();
    if (reads[i]->has_value()) EXPECT_EQ((*reads[i])->bytes(), std::to_string(i));
    reads[i] = Result<Buffer>(Buffer());
  }
};

Task<void> StarveAndGoOn(RealWorldTest& test) {
  Starving starving(test);
  co_await starving.Begin();
  std::vector<bool> done(Starving::kReaders);
  for (size_t count = 0; count < Starving::kReaders;) {
    for (size_t i = 0; i < Starving::kReaders; ++i) {
      if (done[i] || !starving.reads[i]) continue;
      starving.LetGo(i);
      done[i] = true;
      ++count;
    }
    co_await test.proactor_->Sleep(std::chrono::milliseconds(1));
  }
  co_await starving.scope.Empty();
}
TEST_P(ProactorCrowdTest, AReceiveWithoutABufferWaitsAndGoesOn) {
  Open({.buffer_bytes_max = 1});
  if (IsSkipped()) return;
  Run(StarveAndGoOn(*this));
}

Task<void> StarveAndEnd(RealWorldTest& test) {
  Starving starving(test);
  co_await starving.Begin();
  std::vector<size_t> waiting;
  for (size_t i = 0; i < Starving::kReaders; ++i) {
    if (!starving.reads[i]) waiting.push_back(i);
  }
  // One way or the other; then the bytes are still there for who asks later.
  for (const size_t i : waiting) {
    if (i % 2 == 0) {
      starving.pairs[i][1]->Abort();
    } else {
      starving.pairs[i][1]->CancelRead();
    }
  }
  co_await starving.scope.Empty();
  for (const size_t i : waiting) {
    EXPECT_TRUE(!*starving.reads[i] && starving.reads[i]->error().cancelled());
    starving.reads[i].reset();
  }
  for (size_t i = 0; i < Starving::kReaders; ++i) {
    if (starving.reads[i]) starving.LetGo(i);
  }
  for (const size_t i : waiting) {
    if (i % 2 == 0) continue;
    co_await KeepRead(*starving.pairs[i][1], starving.reads[i]);
    starving.LetGo(i);
  }
}
TEST_P(ProactorCrowdTest, AReceiveThatWaitsForABufferCanBeEnded) {
  Open({.buffer_bytes_max = 1});
  if (IsSkipped()) return;
  Run(StarveAndEnd(*this));
}

POPLAR_ON_BOTH_ENGINES(ProactorCrowdTest);

}  // namespace
}  // namespace poplar::io
