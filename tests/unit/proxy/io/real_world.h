#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <memory>
#include <string>
#include <utility>

#include "proxy/io/socket_stream.h"
#include "proxy/io/system_clock.h"
#include "proxy/io/task_scope.h"
#include "tests/unit/proxy/io/engine_of_tests.h"

namespace poplar::io {

// A test on loopback with the real kernel and the real clock. Skips, visibly, where io_uring is
// wanted and refused.
class RealWorldTest : public testing::Test {
 public:
  // Both ends of a connection.
  using Pair = std::array<std::unique_ptr<SocketStream>, 2>;

  void Open(const EngineOptions& options) {
    auto created = OpenProactor(engine_, clock_, random_, options);
    if (!created) GTEST_SKIP() << created.error().text;
    proactor_ = std::move(*created);
    buffers_at_rest_ = proactor_->buffers().in_use();
    alarm(kPatienceSeconds);  // a test that hangs dies of SIGALRM
  }

  void SetUp() override { Open({}); }
  void TearDown() override { alarm(0); }

  // Runs the loop until the task has ended. No buffer may be left behind.
  void Run(Task<void> task) {
    TaskScope scope(proactor_->ready());
    scope.Spawn(RunThenStop(std::move(task)));
    proactor_->Run();
    EXPECT_EQ(scope.count(), 0u);
    EXPECT_LE(proactor_->buffers().in_use(), buffers_at_rest_);
  }

  Task<Pair> Connect(SocketId listener) {
    const Address address = proactor_->LocalAddress(listener);
    Pair pair;
    pair[0] = std::move(*OpenStream(*proactor_, address.family()));
    const Result<> connected = co_await pair[0]->Connect(address);
    EXPECT_TRUE(connected) << connected.error().Text();
    const Result<Accepted> accepted = co_await proactor_->Accept(listener);
    EXPECT_TRUE(accepted) << accepted.error().Text();
    pair[1] = std::make_unique<SocketStream>(*proactor_, accepted->socket);
    co_return pair;
  }

  // A listener for one connection, gone afterwards.
  Task<Pair> Connect() {
    const SocketId listener = *proactor_->Listen(Address::Loopback(0), {});
    Pair pair = co_await Connect(listener);
    co_await CloseListener(listener);
    co_return pair;
  }

  Task<void> CloseListener(SocketId listener) {
    proactor_->Abort(listener);
    const Result<Accepted> none = co_await proactor_->Accept(listener);
    EXPECT_FALSE(none);
    proactor_->Close(listener);
  }

  // `count` bytes, or fewer at the end of the stream or an error.
  static Task<std::string> ReadBytes(Stream& stream, size_t count) {
    std::string bytes;
    while (bytes.size() < count) {
      const Result<Buffer> some = co_await stream.Read();
      if (!some || some->empty()) break;
      EXPECT_LE(some->size(), kReceiveBytesMax);
      bytes.append(some->bytes());
    }
    co_return bytes;
  }

  static constexpr unsigned kPatienceSeconds = 120;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<Proactor> proactor_;
  Engine engine_ = EngineOfTests();
  size_t buffers_at_rest_ = 0;

 private:
  Task<void> RunThenStop(Task<void> task) {
    co_await std::move(task);
    proactor_->Stop();
  }
};

// Bytes in which no two places look alike for long, so that what is lost or moved shows.
inline std::string Pattern(size_t count, uint32_t seed) {
  std::string bytes(count, '\0');
  uint32_t state = seed * 2654435761u + 1;
  for (char& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

}  // namespace poplar::io
