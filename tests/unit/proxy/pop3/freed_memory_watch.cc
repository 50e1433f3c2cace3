#include "tests/unit/proxy/pop3/freed_memory_watch.h"

#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace poplar::pop3 {
namespace {

thread_local std::string_view watched;
thread_local size_t freed = 0;
thread_local size_t unwiped = 0;

[[maybe_unused]] void Free(void* block) {
  if (block != nullptr && !watched.empty()) {
    ++freed;
    // memmem, since nothing in here may allocate.
    if (memmem(block, malloc_usable_size(block), watched.data(), watched.size()) != nullptr) {
      ++unwiped;
      // Or the allocator would hand the bytes on and the next block be blamed for them.
      std::memset(block, 0, malloc_usable_size(block));
    }
  }
  std::free(block);
}

[[maybe_unused]] void* Allocate(size_t bytes) {
  void* block = std::malloc(bytes == 0 ? 1 : bytes);
  if (block == nullptr) std::abort();
  return block;
}

}  // namespace

FreedMemoryWatch::FreedMemoryWatch(std::string_view pattern) {
  freed = 0;
  unwiped = 0;
  watched = pattern;
}
FreedMemoryWatch::~FreedMemoryWatch() { watched = {}; }
size_t FreedMemoryWatch::blocks_freed() const { return freed; }
size_t FreedMemoryWatch::unwiped_blocks() const { return unwiped; }

}  // namespace poplar::pop3

#ifndef POPLAR_NO_FREED_MEMORY_WATCH
void* operator new(size_t bytes) { return poplar::pop3::Allocate(bytes); }
void* operator new[](size_t bytes) { return poplar::pop3::Allocate(bytes); }
void operator delete(void* block) noexcept { poplar::pop3::Free(block); }
void operator delete[](void* block) noexcept { poplar::pop3::Free(block); }
void operator delete(void* block, size_t) noexcept { poplar::pop3::Free(block); }
void operator delete[](void* block, size_t) noexcept { poplar::pop3::Free(block); }
#endif
