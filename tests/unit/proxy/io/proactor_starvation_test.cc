#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/io/deadline.h"
#include "proxy/io/socket_stream.h"
#include "proxy/io/system_clock.h"
#include "proxy/io/task_scope.h"
#include "tests/unit/proxy/io/both_engines.h"

namespace poplar::io {
namespace {

struct Pair {
  std::unique_ptr<SocketStream> near;
  std::unique_ptr<SocketStream> far;
};

// A real world over loopback; skipped, visibly, where it is refused.
class ProactorStarvationTest : public testing::TestWithParam<Engine> {
 protected:
  void SetUp() override { Create(size_t{64} << 20); }

  void Create(size_t buffer_bytes) {
    auto created = OpenProactor(GetParam(), clock_, random_, {.buffer_bytes_max = buffer_bytes});
    if (!created) GTEST_SKIP() << created.error().text;
    proactor_ = std::move(*created);
  }

  // Runs the loop until the task has ended.
  void RunToEnd(Task<void> task) {
    TaskScope scope(proactor_->ready());
    scope.Spawn(ThenStop(std::move(task)));
    proactor_->Run();
  }

  Task<Pair> Connect() {
    const Result<SocketId> listener = proactor_->Listen(Address::Loopback(0), ListenOptions());
    Result<std::unique_ptr<SocketStream>> opened = OpenStream(*proactor_, AF_INET);
    Pair pair;
    pair.near = std::move(*opened);
    const Result<> connected = co_await pair.near->Connect(proactor_->LocalAddress(*listener));
    EXPECT_TRUE(connected);
    const Result<Accepted> accepted = co_await proactor_->Accept(*listener);
    pair.far = std::make_unique<SocketStream>(*proactor_, accepted->socket);
    TaskScope scope(proactor_->ready());
    scope.Spawn(EndAccepting(*listener));
    proactor_->Abort(*listener);
    co_await scope.Empty();
    co_return pair;
  }

  Task<void> ReadInto(SocketStream& stream, std::string& text) {
    const Result<Buffer> read = co_await stream.Read();
    text = read ? std::string(read->bytes()) : read.error().Text();
  }
  Task<void> WriteAndNote(SocketStream& stream, std::string_view bytes, Error& error) {
    const Result<> written = co_await stream.Write(bytes);
    if (!written) error = written.error();
  }

  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<Proactor> proactor_;

 private:
  Task<void> ThenStop(Task<void> task) {
    co_await std::move(task);
    proactor_->Stop();
  }
  Task<void> EndAccepting(SocketId listener) {
    const Result<Accepted> accepted = co_await proactor_->Accept(listener);
    EXPECT_FALSE(accepted);
    proactor_->Close(listener);
  }
};

TEST_P(ProactorStarvationTest, BringsBytesAndTheEndOfThem) {
  const auto body = [this]() -> Task<void> {
    Pair pair = co_await Connect();
    const Result<> written = co_await pair.near->Write("hello");
    EXPECT_TRUE(written);
    const Result<> ended = co_await pair.near->ShutdownWrite();
    EXPECT_TRUE(ended);
    const Result<Buffer> read = co_await pair.far->Read();
    EXPECT_EQ(read->bytes(), "hello");
    const Result<Buffer> end = co_await pair.far->Read();
    EXPECT_TRUE(end && end->empty());
  };
  RunToEnd(body());
}

// All have data before any of them asks, and there are far fewer buffers than they are.
TEST_P(ProactorStarvationTest, WakesEveryReceiveThatFoundNoBuffer) {
  constexpr int kPairs = 100;
  Create(16 * kBufferBytes);
  std::vector<std::string> texts(kPairs);
  const auto body = [&]() -> Task<void> {
    std::vector<Pair> pairs;
    for (int i = 0; i < kPairs; ++i) {
      Pair pair = co_await Connect();
      const Result<> written = co_await pair.near->Write("data");
      EXPECT_TRUE(written);
      pairs.push_back(std::move(pair));
    }
    for (int round = 0; round < 2; ++round) {
      TaskScope scope(proactor_->ready());
      for (int i = 0; i < kPairs; ++i) scope.Spawn(ReadInto(*pairs[i].far, texts[i]));
      co_await scope.Empty();
      if (round == 1) break;
      for (const Pair& pair : pairs) {
        const Result<> written = co_await pair.near->Write("more");
        EXPECT_TRUE(written);
      }
    }
  };
  RunToEnd(body());
  for (const std::string& text : texts) EXPECT_EQ(text, "more");
  EXPECT_GT(proactor_->counters().buffer_starvations, 0u);
}

TEST_P(ProactorStarvationTest, AbortEndsAReceiveThatStarves) {
  Create(16 * kBufferBytes);
  std::string text;
  const auto body = [&]() -> Task<void> {
    Pair pair = co_await Connect();
    std::vector<Buffer> taken;
    while (true) {
      Buffer buffer = proactor_->buffers().TryTake(BufferUse::kSend);
      if (buffer.room().empty()) break;
      taken.push_back(std::move(buffer));
    }
    // What the ring holds already goes to these, and stays with them.
    std::vector<Pair> others;
    std::vector<Result<Buffer>> held;
    while (proactor_->counters().buffer_starvations == 0) {
      Pair other = co_await Connect();
      const Result<> written = co_await other.near->Write("x");
      EXPECT_TRUE(written);
      Deadline deadline(*proactor_, std::chrono::milliseconds(50), *other.far);
      held.push_back(co_await other.far->Read());
      others.push_back(std::move(other));
    }
    EXPECT_EQ(held.back().error().code, ECANCELED);
    taken.clear();
    held.clear();
    const Result<> written = co_await pair.near->Write("after");
    EXPECT_TRUE(written);
    co_await ReadInto(*pair.far, text);
  };
  RunToEnd(body());
  EXPECT_EQ(text, "after");
}

// More than the sockets' buffers hold, and nobody reads: the send stops in its middle.
TEST_P(ProactorStarvationTest, AbortEndsASendThatIsHalfDone) {
  const std::string large(size_t{64} << 20, 'x');
  Error error;
  const auto body = [&]() -> Task<void> {
    Pair pair = co_await Connect();
    TaskScope scope(proactor_->ready());
    scope.Spawn(WriteAndNote(*pair.near, large, error));
    const Result<Buffer> begun = co_await pair.far->Read();
    EXPECT_TRUE(begun && !begun->empty());
    co_await proactor_->Sleep(std::chrono::milliseconds(100));
    pair.near->Abort();
    co_await scope.Empty();
  };
  RunToEnd(body());
  EXPECT_EQ(error.code, ECANCELED);
}

TEST_P(ProactorStarvationTest, CancelReadLosesNothing) {
  std::string first;
  std::string second;
  const auto body = [&]() -> Task<void> {
    Pair pair = co_await Connect();
    TaskScope scope(proactor_->ready());
    scope.Spawn(ReadInto(*pair.far, first));
    co_await proactor_->Sleep(std::chrono::milliseconds(20));
    pair.far->CancelRead();
    co_await scope.Empty();
    const Result<> written = co_await pair.near->Write("kept");
    EXPECT_TRUE(written);
    co_await ReadInto(*pair.far, second);
  };
  RunToEnd(body());
  EXPECT_TRUE(first.starts_with("ECANCELED")) << first;
  EXPECT_EQ(second, "kept");
}

POPLAR_ON_BOTH_ENGINES(ProactorStarvationTest);

}  // namespace
}  // namespace poplar::io
