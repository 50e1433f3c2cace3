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

#include "proxy/io/buffer_shelf.h"
#include "proxy/io/run_list.h"

namespace poplar::io {

class BufferPool;

// Holds a TLS record of 16 KiB with its overhead; five pages, so that an unused one can be given
// back to the kernel.
inline constexpr size_t kBufferBytes = size_t{20} * 1024;
// Most bytes one Receive brings: what TLS can seal into one record, and so into one buffer.
inline constexpr size_t kReceiveBytesMax = size_t{16} * 1024;
// A large buffer counts as so many: for mail that comes faster than it is passed on, in fewer calls
// and larger packets. Holds a message of the common size whole.
inline constexpr size_t kLargeParts = 5;
inline constexpr size_t kLargeBufferBytes = kLargeParts * kBufferBytes;
// Most bytes it is filled with by receiving: what TLS can seal into another.
inline constexpr size_t kLargeReceiveBytesMax = kLargeParts * kReceiveBytesMax;

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

  // No room: this is none of a pool's, or it is full.
  std::span<char> room() { return {data_ + end_, capacity_ - end_}; }
  size_t capacity() const { return capacity_; }
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
  Buffer(BufferPool* pool, char* data, size_t capacity, uint32_t index)
      : pool_(pool), data_(data), capacity_(static_cast<uint32_t>(capacity)), index_(index) {}
  void Swap(Buffer& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(data_, other.data_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
    std::swap(capacity_, other.capacity_);
    std::swap(index_, other.index_);
  }

  BufferPool* pool_ = nullptr;
  char* data_ = nullptr;
  uint32_t begin_ = 0;
  uint32_t end_ = 0;
  uint32_t capacity_ = 0;
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
  Buffer TryTake(BufferUse use) { return MayTake(use) ? TakeFrom(small_, 1) : Buffer(); }

  // A large one, or one without room while more than a quarter of the pool would be in use: slow
  // readers of long messages are to take little from others. Nobody waits for one: small ones do,
  // too.
  Buffer TryTakeLarge();

  // `co_await pool.Take(use)` always brings a buffer; waits in order of arrival while the share is
  // taken.
  class TakeAwaiter;
  TakeAwaiter Take(BufferUse use);

  // Large ones as what they count for.
  size_t in_use() const { return in_use_; }
  size_t count_max() const { return count_max_; }
  uint64_t waits() const { return waits_; }

  // Called about once a second: gives the memory that was free all that time back to the kernel;
  // that of large ones only every half a minute, since downloads come in waves and a page that is
  // given back is dear to have again.
  void Trim() {
    small_.Trim();
    if (++trims_ % kTrimsOfLarge == 0) large_.Trim();
  }

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
  static constexpr uint32_t kSmallAtOnce = 64;
  static constexpr uint32_t kLargeAtOnce = 8;
  // That the first of a burst of logins meet warm ones; and that downloads do.
  static constexpr uint32_t kSmallKept = 16;
  static constexpr uint32_t kLargeKept = 8;
  static constexpr uint32_t kTrimsOfLarge = 30;

  Buffer TakeFrom(BufferShelf& shelf, size_t parts);
  bool MayTake(BufferUse use) const;
  void KeepToBound();
  void Return(uint32_t index, size_t capacity);
  void WakeWaiters();

  RunList& ready_;
  size_t count_max_;
  BufferShelf small_{kBufferBytes, kSmallAtOnce, kSmallKept};
  BufferShelf large_{kLargeBufferBytes, kLargeAtOnce, kLargeKept};
  size_t in_use_ = 0;
  uint32_t trims_ = 0;
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
