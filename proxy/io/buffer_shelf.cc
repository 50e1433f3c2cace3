#include "proxy/io/buffer_shelf.h"

#include <sys/mman.h>

#include <algorithm>

namespace poplar::io {

BufferShelf::~BufferShelf() {
  for (char* slab : slabs_) munmap(slab, at_once_ * bytes_);
}

bool BufferShelf::Grow() {
  void* data =
      mmap(nullptr, at_once_ * bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return false;
  const auto first = static_cast<uint32_t>(slabs_.size()) * at_once_;
  slabs_.push_back(static_cast<char*>(data));
  // Here, so that to give a buffer back never takes memory.
  free_.reserve(slabs_.size() * at_once_);
  cold_.reserve(slabs_.size() * at_once_);
  for (uint32_t i = at_once_; i > 0; --i) cold_.push_back(first + i - 1);
  return true;
}

std::optional<uint32_t> BufferShelf::Take() {
  std::vector<uint32_t>& from = free_.empty() ? cold_ : free_;
  if (from.empty() && !Grow()) return std::nullopt;
  const uint32_t number = from.back();
  from.pop_back();
  free_low_water_ = std::min(free_low_water_, free_.size());
  return number;
}

char* BufferShelf::At(uint32_t number) const {
  return slabs_[number / at_once_] + size_t{number % at_once_} * bytes_;
}

bool BufferShelf::Cool(size_t count) {
  const size_t cooled = std::min(count, free_.size());
  for (size_t i = 0; i < cooled; ++i) {
    madvise(At(free_[i]), bytes_, MADV_DONTNEED);
    cold_.push_back(free_[i]);
  }
  free_.erase(free_.begin(), free_.begin() + static_cast<ptrdiff_t>(cooled));
  free_low_water_ = std::min(free_low_water_, free_.size());
  return cooled == count;
}

void BufferShelf::Trim() {
  if (free_low_water_ > kept_) Cool((free_low_water_ - kept_ + 1) / 2);
  free_low_water_ = free_.size();
}

}  // namespace poplar::io
