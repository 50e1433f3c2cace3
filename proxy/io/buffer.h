#pragma once

#include <sys/types.h>

#include <array>
#include <cassert>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/io/run_list.h"

namespace poplar::io {

class BufferPool;

// Holds a TLS record of 16 KiB with its overhead; five pages, so that an unused one can be given
// back to the kernel.
inline constexpr size_t kBufferBytes = size_t{20} * 1024;
// Most bytes one Receive brings: what TLS can seal into one record, and so into one buffer.
inline constexpr size_t kReceiveBytesMax = size_t{16} * 1024;

// A buffer of a worker's pool, and in it the bytes not yet consumed. Moves only; goes back to the
// pool when destroyed. Stays on its worker.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { Swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer taken(std::move(other));
    Swap(taken);
    return *this;
  }
  ~Buffer() { Release(); }

  bool empty() const { return begin_ == end_; }
  size_t size() const { return end_ - begin_; }
  std::string_view bytes() const { return {data_ + begin_, size()}; }
  void Consume(size_t n) {
    assert(n <= size());
    begin_ += static_cast<uint32_t>(n);
  }

  std::span<char> room() { return {data_ + end_, pool_ == nullptr ? 0 : kBufferBytes - end_}; }
  void Commit(size_t n) {
    assert(n <= room().size());
    end_ += static_cast<uint32_t>(n);
  }
  // Copies as much as fits; returns how much.
  size_t Append(std::string_view bytes);
  void Clear() { begin_ = end_ = 0; }
  void Release();
  // For what may have held a secret: zeroes all that it held, consumed or not.
  void WipeAndRelease();

 private:
  friend class BufferPool;
  Buffer(BufferPool* pool, char* data, uint32_t index) : pool_(pool), data_(data), index_(index) {}
  void Swap(Buffer& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(data_, other.data_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
    std::swap(index_, other.index_);
  }

  BufferPool* pool_ = nullptr;
  char* data_ = nullptr;
  uint32_t begin_ = 0;
  uint32_t end_ = 0;
  uint32_t index_ = 0;
};

// Who takes a buffer. Bytes travel receive -> plaintext -> send, and a later stage may dip deeper
// into the pool than an earlier one: so what is furthest along can always move on, and waiting for
// a buffer can't dead-lock.
enum class BufferUse : uint8_t { kReceive, kPlaintext, kSend };

// A worker's I/O buffers: grows up to its bound as they are needed, and gives back what a quieter
// time doesn't need. One thread.
class BufferPool {
 public:
  // `bytes_max` bounds the memory of all buffers together; `ready` is where those who waited for
  // one go on.
  BufferPool(size_t bytes_max, RunList& ready);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // An empty buffer, or one without room (room().empty()) when the use's share is taken.
  Buffer TryTake(BufferUse use);

  // `co_await pool.Take(use)` always brings a buffer; waits in order of arrival while the share is
  // taken.
  class TakeAwaiter;
  TakeAwaiter Take(BufferUse use);

  size_t in_use() const { return in_use_; }
  size_t count_max() const { return count_max_; }
  uint64_t waits() const { return waits_; }

  // Called about once a second: gives the memory that was free all that time back to the kernel.
  void Trim();

  // For the world that receives: a call when a buffer came back while somebody starves.
  void set_on_release(void (*function)(void*), void* context) {
    on_release_ = function;
    on_release_context_ = context;
  }

  // For the world that hands buffers to the kernel by number.
  static uint32_t IndexOf(const Buffer& buffer) { return buffer.index_; }
  static char* DataOf(const Buffer& buffer) { return buffer.data_; }

 private:
  friend class Buffer;
  struct Slab {
    char* data;
  };
  static constexpr uint32_t kPerSlab = 64;

  bool MayTake(BufferUse use) const;
  bool Grow();
  void Return(uint32_t index);
  char* DataAt(uint32_t index) const;
  void WakeWaiters();

  RunList& ready_;
  size_t count_max_;
  std::vector<Slab> slabs_;
  std::vector<uint32_t> free_;  // last in, first out: the warm ones on top
  std::vector<uint32_t> cold_;  // free, their memory given back
  size_t free_low_water_ = 0;   // fewest free ones since the last Trim
  size_t in_use_ = 0;
  uint64_t waits_ = 0;
  std::array<WaiterList, 3> waiters_;  // by use
  void (*on_release_)(void*) = nullptr;
  void* on_release_context_ = nullptr;
};

class BufferPool::TakeAwaiter : Waiter {
 public:
  TakeAwaiter(BufferPool& pool, BufferUse use) : pool_(pool), use_(use) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> waiting);
  Buffer await_resume() { return std::move(buffer_); }

 private:
  friend class BufferPool;
  BufferPool& pool_;
  BufferUse use_;
  Buffer buffer_;
};

inline BufferPool::TakeAwaiter BufferPool::Take(BufferUse use) { return TakeAwaiter(*this, use); }

}  // namespace poplar::io
