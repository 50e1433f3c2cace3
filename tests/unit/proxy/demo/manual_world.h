#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"
#include "proxy/io/sync.h"

namespace poplar::demo {

class ManualClock final : public io::Clock {
 public:
  io::Time Now() const override { return now_; }
  int64_t UnixMicros() const override { return 0; }
  void Advance(io::Duration by) { now_ += by; }

 private:
  io::Time now_{std::chrono::hours(1)};
};

class CountingRandom final : public io::Random {
 public:
  uint64_t Next() override { return ++last_; }

 private:
  uint64_t last_ = 0;
};

// A world without a network, whose time the test moves: for code over streams of the test's own.
class ManualProactor final : public io::Proactor {
 public:
  ManualProactor(ManualClock& clock, io::Random& random)
      : Proactor(clock, random, size_t{4} << 20), manual_clock_(clock) {}

  // Runs until nothing is ready.
  void Pump() {
    while (!ready_.empty()) RunReady(1000);
  }
  void Advance(io::Duration by) {
    manual_clock_.Advance(by);
    timers().Advance(Now());
    Pump();
  }

  io::Result<io::SocketId> Listen(const io::Address&, const io::ListenOptions&) override {
    return io::Fail(ENOSYS);
  }
  io::Address LocalAddress(io::SocketId) override { return {}; }
  io::Result<io::SocketId> OpenSocket(int) override { return io::Fail(ENOSYS); }
  void CancelReceive(io::SocketId) override {}
  void Abort(io::SocketId) override {}
  void ShutdownWrite(io::SocketId) override {}
  void Close(io::SocketId) override {}
  void Detach(io::SocketId) override {}
  void Adopt(io::SocketId) override {}
  bool Quiet(io::SocketId) override { return true; }
  io::Result<> ReceiveWaiting(io::SocketId, io::Buffer&, size_t) override { return {}; }
  void Run() override { Pump(); }
  void PostFromAnyThread(std::function<void()>) override {}

 protected:
  void StartAccept(io::AcceptOperation& operation) override { operation.Complete(-ENOSYS); }
  void StartConnect(io::ConnectOperation& operation) override { operation.Complete(-ENOSYS); }
  void StartReceive(io::ReceiveOperation& operation) override { operation.Complete(-ENOSYS); }
  void StartSend(io::SendOperation& operation) override { operation.Complete(-ENOSYS); }
  void StartLookout(io::Lookout& lookout) override { lookout.Complete(); }

 private:
  ManualClock& manual_clock_;
};

// The test's end of a MemoryStream; outlives it.
struct Wire {
  explicit Wire(io::Proactor& proactor) : readable(proactor.ready()), writable(proactor.ready()) {}

  std::deque<std::string> to_node;  // each piece is one Read
  bool to_node_ended = false;
  std::string from_node;
  int writes = 0;
  size_t longest_write = 0;
  bool from_node_ended = false;  // ShutdownWrite
  bool stalled = false;          // writes don't return
  bool aborted = false;
  bool closed = false;  // the stream is destroyed
  io::Event readable;
  io::Event writable;
};

class MemoryStream final : public io::Stream {
 public:
  MemoryStream(io::Proactor& proactor, Wire& wire) : proactor_(proactor), wire_(wire) {}
  ~MemoryStream() override { wire_.closed = true; }

  io::Task<io::Result<io::Buffer>> Read() override {
    while (!wire_.aborted && wire_.to_node.empty() && !wire_.to_node_ended) {
      co_await wire_.readable.Wait();
    }
    if (wire_.aborted) co_return io::Fail(ECANCELED);
    if (wire_.to_node.empty()) co_return io::Buffer();
    io::Buffer buffer = proactor_.buffers().TryTake(io::BufferUse::kReceive);
    std::string& piece = wire_.to_node.front();
    piece.erase(0, buffer.Append(piece));
    if (piece.empty()) wire_.to_node.pop_front();
    co_return buffer;
  }

  io::Task<io::Result<>> Write(std::string_view bytes) override {
    while (!wire_.aborted && wire_.stalled) co_await wire_.writable.Wait();
    if (wire_.aborted) co_return io::Fail(ECANCELED);
    EXPECT_FALSE(wire_.from_node_ended);
    EXPECT_FALSE(bytes.empty());
    wire_.from_node.append(bytes);
    wire_.longest_write = std::max(wire_.longest_write, bytes.size());
    ++wire_.writes;
    co_return io::Result<>();
  }

  io::Task<io::Result<>> ShutdownWrite() override {
    wire_.from_node_ended = true;
    co_return io::Result<>();
  }
  void CancelRead() override { FAIL() << "not used by the node"; }
  void Abort() override {
    wire_.aborted = true;
    wire_.readable.Signal();
    wire_.writable.Signal();
  }
  bool Detach() override { return false; }
  void Attach(io::Proactor&) override { FAIL() << "the node keeps its streams"; }
  bool Quiet() override { return wire_.to_node.empty() && !wire_.to_node_ended; }

 private:
  io::Proactor& proactor_;
  Wire& wire_;
};

}  // namespace poplar::demo
