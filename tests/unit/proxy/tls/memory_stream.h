#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/io/buffer.h"
#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"
#include "proxy/io/sync.h"

namespace poplar::tls {

// One direction of a connection in memory.
struct MemoryPipe {
  explicit MemoryPipe(io::RunList& ready) : filled(ready), drained(ready) {}

  std::string bytes;
  std::string all;  // everything ever written, for looking at
  int writes = 0;
  bool ended = false;
  size_t capacity = 1 << 16;
  size_t read_max = io::kReceiveBytesMax;
  size_t quota = SIZE_MAX;  // what may still be read
  int lookouts = 0;         // asked for; none is to be had
  io::Event filled;
  io::Event drained;
};

// One end of a connection in memory: reads and writes wait, in turns of the run list, for what the
// other end does.
class MemoryStream final : public io::Stream {
 public:
  MemoryStream(io::BufferPool& pool, std::shared_ptr<MemoryPipe> in,
               std::shared_ptr<MemoryPipe> out)
      : pool_(&pool), in_(std::move(in)), out_(std::move(out)) {}

  io::Task<io::Result<io::Buffer>> Read() override {
    cancelled_ = false;
    reading_ = true;
    while (!Readable() && !in_->ended && !cancelled_ && !aborted_) {
      co_await in_->filled.Wait();
    }
    reading_ = false;
    if (aborted_ || (cancelled_ && !Readable())) co_return io::Fail(ECANCELED);
    if (in_->bytes.empty()) co_return io::Buffer();
    io::Buffer buffer = co_await pool_->Take(io::BufferUse::kReceive);
    const size_t n = std::min({in_->bytes.size(), in_->read_max, in_->quota, io::kReceiveBytesMax});
    if (in_->quota != SIZE_MAX) in_->quota -= n;
    buffer.Append(std::string_view(in_->bytes).substr(0, n));
    in_->bytes.erase(0, n);
    in_->drained.Signal();
    co_return std::move(buffer);
  }

  io::Task<io::Result<>> Write(std::string_view bytes) override {
    ++out_->writes;
    while (!bytes.empty()) {
      if (aborted_) co_return io::Fail(ECANCELED);
      const size_t n = std::min(bytes.size(), out_->capacity - out_->bytes.size());
      out_->bytes += bytes.substr(0, n);
      out_->all += bytes.substr(0, n);
      bytes.remove_prefix(n);
      if (n > 0) out_->filled.Signal();
      if (!bytes.empty()) co_await out_->drained.Wait();
    }
    co_return io::Result<>();
  }

  io::Task<io::Result<>> ShutdownWrite() override {
    out_->ended = true;
    out_->filled.Signal();
    co_return io::Result<>();
  }

  bool LookOut(io::Lookout&) override {
    ++in_->lookouts;
    return false;
  }

  void CancelRead() override {
    if (!reading_) return;
    cancelled_ = true;
    in_->filled.Signal();
  }

  void Abort() override {
    aborted_ = true;
    in_->filled.Signal();
    out_->drained.Signal();
  }

  bool Detach() override {
    if (reading_ || aborted_) return false;
    pool_ = nullptr;
    return true;
  }
  // The pipes go on waking whoever they woke before.
  void Attach(io::Proactor& proactor) override { pool_ = &proactor.buffers(); }
  bool Quiet() override { return in_->bytes.empty() && !in_->ended && !aborted_; }

 private:
  bool Readable() const { return !in_->bytes.empty() && in_->quota > 0; }

  io::BufferPool* pool_;
  std::shared_ptr<MemoryPipe> in_;
  std::shared_ptr<MemoryPipe> out_;
  bool reading_ = false;
  bool cancelled_ = false;
  bool aborted_ = false;
};

}  // namespace poplar::tls
