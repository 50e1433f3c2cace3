#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <string_view>

// ThreadSanitizer's runtime brings an operator delete of its own, which can't be replaced: there
// the tests that watch say that they can't. They run in every other build.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define POPLAR_NO_FREED_MEMORY_WATCH 1
#endif
#endif
#ifdef POPLAR_NO_FREED_MEMORY_WATCH
#define POPLAR_NEEDS_FREED_MEMORY_WATCH() \
  GTEST_SKIP() << "ThreadSanitizer's operator delete can't be replaced; see the other builds"
#else
#define POPLAR_NEEDS_FREED_MEMORY_WATCH() static_cast<void>(0)
#endif

namespace poplar::pop3 {

// Looks into every heap block right before it is freed, and counts those that still hold a pattern:
// a secret that its owner forgot to wipe. Works through the replaced operator delete of this
// program. One at a time, on one thread. `pattern` should be a literal, so that the test itself
// leaves no copy.
class FreedMemoryWatch {
 public:
  explicit FreedMemoryWatch(std::string_view pattern);
  ~FreedMemoryWatch();
  FreedMemoryWatch(const FreedMemoryWatch&) = delete;
  FreedMemoryWatch& operator=(const FreedMemoryWatch&) = delete;

  size_t blocks_freed() const;
  size_t unwiped_blocks() const;
};

}  // namespace poplar::pop3
