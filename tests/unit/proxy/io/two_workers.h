#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "tests/unit/proxy/io/real_world.h"

namespace poplar::io {

// Two workers on the real kernel, a thread each, and connections that hop to and fro between them:
// a word to the echoing end, which stays with the first worker, and back; then on at the other
// worker. Skips, visibly, where io_uring is wanted and refused.
class TwoWorkersTest : public testing::Test {
 protected:
  using Made = std::unique_ptr<Stream>;

  Engine engine_ = EngineOfTests();

  void SetUp() override {
    for (Worker& worker : workers_) {
      auto created = OpenProactor(engine_, worker.clock, worker.random, {});
      if (!created) GTEST_SKIP() << created.error().text;
      worker.proactor = std::move(*created);
      worker.scope = std::make_unique<TaskScope>(worker.proactor->ready());
    }
    alarm(RealWorldTest::kPatienceSeconds);
  }
  void TearDown() override { alarm(0); }

  // What a connected socket becomes before it hops; null: it failed.
  virtual Task<Made> Make(Proactor& proactor, std::unique_ptr<SocketStream> socket, bool client) {
    (void)proactor;
    (void)client;
    co_return std::move(socket);
  }

  void RunHops(int connections, int hops) {
    running_ = 2 * connections;
    Proactor& first = *workers_[0].proactor;
    const SocketId listener = *first.Listen(Address::Loopback(0), {});
    workers_[0].scope->Spawn(AcceptAll(listener, connections));
    const Address address = first.LocalAddress(listener);
    for (int i = 0; i < connections; ++i) workers_[0].scope->Spawn(Dial(address, hops));
    std::array<size_t, 2> at_rest{};
    for (size_t i = 0; i < 2; ++i) at_rest[i] = workers_[i].proactor->buffers().in_use();
    std::thread other([&] { workers_[1].proactor->Run(); });
    workers_[0].proactor->Run();
    other.join();
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(workers_[i].scope->count(), 0u);
      EXPECT_LE(workers_[i].proactor->buffers().in_use(), at_rest[i]);
    }
    EXPECT_EQ(legs_, connections * (hops + 1));
  }

 private:
  struct Worker {
    SystemClock clock;
    SystemRandom random;
    std::unique_ptr<Proactor> proactor;
    std::unique_ptr<TaskScope> scope;
  };

  Task<void> AcceptAll(SocketId listener, int count) {
    Proactor& proactor = *workers_[0].proactor;
    for (int i = 0; i < count; ++i) {
      const Result<Accepted> accepted = co_await proactor.Accept(listener);
      EXPECT_TRUE(accepted);
      workers_[0].scope->Spawn(Echo(std::make_unique<SocketStream>(proactor, accepted->socket)));
    }
    proactor.Abort(listener);
    const Result<Accepted> none = co_await proactor.Accept(listener);
    EXPECT_FALSE(none);
    proactor.Close(listener);
  }

  Task<void> Echo(std::unique_ptr<SocketStream> socket) {
    Made stream = co_await Make(*workers_[0].proactor, std::move(socket), false);
    for (;;) {
      const Result<Buffer> word = co_await stream->Read();
      if (!word || word->empty()) break;
      EXPECT_TRUE(co_await stream->Write(word->bytes()));
    }
    stream.reset();
    OnEnd();
  }

  Task<void> Dial(Address address, int hops) {
    Proactor& proactor = *workers_[0].proactor;
    std::unique_ptr<SocketStream> socket = *OpenStream(proactor, address.family());
    const Result<> connected = co_await socket->Connect(address);
    EXPECT_TRUE(connected);
    Made stream = co_await Make(proactor, std::move(socket), true);
    co_await Leg(0, std::move(stream), hops);
  }

  Task<void> Leg(size_t at, Made stream, int hops_left) {
    const std::string word = "word " + std::to_string(hops_left) + "\n";
    EXPECT_TRUE(co_await stream->Write(word));
    EXPECT_EQ(co_await RealWorldTest::ReadBytes(*stream, word.size()), word);
    EXPECT_TRUE(stream->Quiet());
    ++legs_;
    if (hops_left == 0) {
      stream.reset();
      OnEnd();
      co_return;
    }
    EXPECT_TRUE(stream->Detach());
    // A std::function can't hold what only moves.
    Stream* loose = stream.release();
    const size_t next = 1 - at;
    workers_[next].proactor->PostFromAnyThread([this, loose, next, hops_left] {
      Made arrived(loose);
      arrived->Attach(*workers_[next].proactor);
      workers_[next].scope->Spawn(Leg(next, std::move(arrived), hops_left - 1));
    });
  }

  void OnEnd() {
    if (--running_ > 0) return;
    for (Worker& worker : workers_) {
      worker.proactor->PostFromAnyThread([&worker] { worker.proactor->Stop(); });
    }
  }

  std::array<Worker, 2> workers_;
  std::atomic<int> running_ = 0;
  std::atomic<int> legs_ = 0;
};

}  // namespace poplar::io
