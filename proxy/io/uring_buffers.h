#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "proxy/io/buffer.h"

struct io_uring;
struct io_uring_buf_ring;

namespace poplar::io {

// The buffers that the kernel fills as data comes: a provided-buffer ring, kept full out of the
// worker's pool as far as the pool's bound allows. One thread. Must outlive the ring that it is
// registered with.
class ProvidedBuffers {
 public:
  static constexpr uint16_t kGroup = 0;

  explicit ProvidedBuffers(BufferPool& pool) : pool_(pool) {}
  ~ProvidedBuffers();
  ProvidedBuffers(const ProvidedBuffers&) = delete;
  ProvidedBuffers& operator=(const ProvidedBuffers&) = delete;

  // Once, before anything else. 0 or an errno.
  int Register(io_uring& ring);

  void Refill();
  // The buffer that a completion names; its place is filled at the next Refill.
  Buffer Take(uint16_t id);

  // The kernel may have picked some of these already, in completions not looked at yet.
  size_t filled() const { return buffers_.size() - missing_.size(); }
  bool full() const { return missing_.empty(); }

 private:
  BufferPool& pool_;
  io_uring_buf_ring* ring_ = nullptr;
  std::vector<Buffer> buffers_;    // by buffer id
  std::vector<uint16_t> missing_;  // buffer ids without a buffer
};

}  // namespace poplar::io
