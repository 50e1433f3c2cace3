#pragma once

#include <cstddef>
#include <string_view>

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
