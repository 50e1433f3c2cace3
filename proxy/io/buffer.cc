#include "proxy/io/buffer.h"

#include <string.h>  // explicit_bzero is no part of <cstring>
#include <sys/mman.h>

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
  pool->Return(index_);
}

void Buffer::WipeAndRelease() {
  if (end_ > 0) explicit_bzero(data_, end_);
  Release();
}

BufferPool::BufferPool(size_t bytes_max, RunList& ready)
    : ready_(ready), count_max_(std::max<size_t>(bytes_max / kBufferBytes, 8)) {}

BufferPool::~BufferPool() {
  assert(in_use_ == 0);
  for (const Slab& slab : slabs_) munmap(slab.data, kPerSlab * kBufferBytes);
}

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

bool BufferPool::Grow() {
  void* data = mmap(nullptr, kPerSlab * kBufferBytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return false;
  const auto first = static_cast<uint32_t>(slabs_.size()) * kPerSlab;
  slabs_.push_back(Slab{static_cast<char*>(data)});
  // Here, so that to give a buffer back never takes memory.
  free_.reserve(slabs_.size() * kPerSlab);
  cold_.reserve(slabs_.size() * kPerSlab);
  for (uint32_t i = kPerSlab; i > 0; --i) cold_.push_back(first + i - 1);
  return true;
}

Buffer BufferPool::TryTake(BufferUse use) {
  if (!MayTake(use)) return {};
  std::vector<uint32_t>* from = free_.empty() ? &cold_ : &free_;
  if (from->empty() && !Grow()) return {};
  const uint32_t index = from->back();
  from->pop_back();
  free_low_water_ = std::min(free_low_water_, free_.size());
  ++in_use_;
  return Buffer(this, DataAt(index), index);
}

void BufferPool::Return(uint32_t index) {
  assert(in_use_ > 0);
  --in_use_;
  free_.push_back(index);
  WakeWaiters();
  if (on_release_ != nullptr) on_release_(on_release_context_);
}

char* BufferPool::DataAt(uint32_t index) const {
  return slabs_[index / kPerSlab].data + size_t{index % kPerSlab} * kBufferBytes;
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

void BufferPool::Trim() {
  // Half of what nobody wanted, so that a short lull costs little; never below one slab.
  const size_t spare = free_low_water_ > kPerSlab ? (free_low_water_ - kPerSlab + 1) / 2 : 0;
  for (size_t i = 0; i < spare; ++i) {
    const uint32_t index = free_[i];
    madvise(DataAt(index), kBufferBytes, MADV_DONTNEED);
    cold_.push_back(index);
  }
  free_.erase(free_.begin(), free_.begin() + static_cast<ptrdiff_t>(spare));
  free_low_water_ = free_.size();
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
