#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace poplar::io {

// The memory of a pool's buffers of one size: grows as they are needed, and gives back to the
// kernel what a quieter time doesn't need. Counts nobody's share. One thread.
class BufferShelf {
 public:
  // `bytes` of one: whole pages. As many as `at_once` are got from the kernel together, and `kept`
  // whatever happens.
  BufferShelf(size_t bytes, uint32_t at_once, uint32_t kept)
      : bytes_(bytes), at_once_(at_once), kept_(kept) {}
  ~BufferShelf();
  BufferShelf(const BufferShelf&) = delete;
  BufferShelf& operator=(const BufferShelf&) = delete;

  // The number of one that is free; none: the kernel has no memory.
  std::optional<uint32_t> Take();
  void Return(uint32_t number) { free_.push_back(number); }
  char* At(uint32_t number) const;

  // Free ones whose memory was not given back.
  size_t warm() const { return free_.size(); }
  // Gives back the memory of as many of those; true: there were so many.
  bool Cool(size_t count);
  // The same with half of what nobody wanted since the last call, so that a short lull costs
  // little; never the last `kept`.
  void Trim();

 private:
  bool Grow();

  const size_t bytes_;
  const uint32_t at_once_;
  const uint32_t kept_;
  std::vector<char*> slabs_;
  std::vector<uint32_t> free_;  // last in, first out: the warm ones on top
  std::vector<uint32_t> cold_;  // free, their memory given back
  size_t free_low_water_ = 0;   // fewest free ones since the last Trim
};

}  // namespace poplar::io
