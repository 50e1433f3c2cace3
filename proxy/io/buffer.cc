#include "proxy/io/buffer.h"

#include <string.h>  // explicit_bzero is no part of <cstring>

#include <algorithm>
#include <cstring>

namespace poplar::io {

size_t Buffer::Append(std::string_view bytes) {
  const size_t n = std::min(bytes.size(), room().size());
  if (n == 0) return 0;  // data_ may be null, which memcpy forbids
  std::memcpy(data_ + end_, bytes.data(), n);
  Commit(n);
  return n;
}

void Buffer::Release() {
  if (pool_ == nullptr) return;
  BufferPool* pool = std::exchange(pool_, nullptr);
  data_ = nullptr;
  begin_ = end_ = 0;
  pool->Return(index_, std::exchange(capacity_, 0));
}

void Buffer::WipeAndRelease() {
  if (end_ > 0) explicit_bzero(data_, end_);
  Release();
}

BufferPool::BufferPool(size_t bytes_max, RunList& ready)
    : ready_(ready), count_max_(std::max<size_t>(bytes_max / kBufferBytes, 8)) {}

BufferPool::~BufferPool() { assert(in_use_ == 0); }

bool BufferPool::MayTake(BufferUse use) const {
  switch (use) {
    case BufferUse::kReceive:
      return in_use_ < count_max_ / 2;
    case BufferUse::kPlaintext:
      return in_use_ < count_max_ * 3 / 4;
    case BufferUse::kSend:
      return in_use_ < count_max_;
  }
  return false;
}

Buffer BufferPool::TryTakeLarge() {
  return in_use_ + kLargeParts <= count_max_ / 4 ? TakeFrom(large_, kLargeParts) : Buffer();
}

Buffer BufferPool::TakeFrom(BufferShelf& shelf, size_t parts) {
  const auto number = shelf.Take();
  if (!number) return {};
  in_use_ += parts;
  KeepToBound();
  return Buffer(this, shelf.At(*number), parts * kBufferBytes, *number);
}

// What lies warm on both shelves counts, too: where it would be too much, it is given back now.
void BufferPool::KeepToBound() {
  const size_t warm = small_.warm() + kLargeParts * large_.warm();
  if (in_use_ + warm <= count_max_) return;
  const size_t over = in_use_ + warm - count_max_;
  if (!small_.Cool(over)) large_.Cool((over + kLargeParts - 1) / kLargeParts);
}

void BufferPool::Return(uint32_t index, size_t capacity) {
  const bool large = capacity == kLargeBufferBytes;
  const size_t parts = large ? kLargeParts : 1;
  assert(in_use_ >= parts);
  in_use_ -= parts;
  (large ? large_ : small_).Return(index);
  WakeWaiters();
  if (on_release_ != nullptr) on_release_(on_release_context_);
}

void BufferPool::WakeWaiters() {
  // The first of the deepest use goes first: a sender must never wait behind a reader (see
  // BufferUse).
  for (const BufferUse use : {BufferUse::kSend, BufferUse::kPlaintext, BufferUse::kReceive}) {
    WaiterList& waiters = waiters_[static_cast<size_t>(use)];
    while (!waiters.empty()) {
      Buffer buffer = TryTake(use);
      if (buffer.room().empty()) return;  // nor would a shallower use get one
      Waiter* waiter = waiters.Pop();
      static_cast<TakeAwaiter*>(waiter)->buffer_ = std::move(buffer);
      ready_.Push(*waiter);
    }
  }
}

bool BufferPool::TakeAwaiter::await_ready() {
  buffer_ = pool_.TryTake(use_);
  return !buffer_.room().empty();
}

void BufferPool::TakeAwaiter::await_suspend(std::coroutine_handle<> waiting) {
  ++pool_.waits_;
  handle = waiting;
  pool_.waiters_[static_cast<size_t>(use_)].Push(*this);
}

}  // namespace poplar::io
