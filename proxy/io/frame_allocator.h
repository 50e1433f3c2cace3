#pragma once

#include <cstddef>

#include "proxy/io/frame_pool.h"

namespace poplar::io {

// For a container of one thread that comes and goes as frames do, and takes its memory from where
// they take theirs. What is larger than a pooled frame comes from malloc, like such a frame.
template <class T>
struct FrameAllocator {
  static_assert(alignof(T) <= alignof(std::max_align_t));
  using value_type = T;

  FrameAllocator() = default;
  template <class U>
  FrameAllocator(const FrameAllocator<U>& /*other*/) {}  // NOLINT(google-explicit-constructor)

  T* allocate(size_t count) { return static_cast<T*>(AllocateFrame(count * sizeof(T))); }
  void deallocate(T* memory, size_t count) noexcept { FreeFrame(memory, count * sizeof(T)); }

  bool operator==(const FrameAllocator&) const = default;
};

}  // namespace poplar::io
