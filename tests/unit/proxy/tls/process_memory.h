#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// This process's own memory, as a core dump would show it (/proc/self/smaps).
namespace poplar::tls {

// Bytes to look for that the search itself doesn't put into memory: kept masked.
class MaskedBytes {
 public:
  explicit MaskedBytes(std::string_view bytes);
  // The first bytes of a fixed sequence that nobody else makes, different for each seed.
  static MaskedBytes Pseudorandom(size_t bytes, uint64_t seed);

  size_t size() const { return masked_.size(); }
  uint8_t At(size_t i) const { return static_cast<uint8_t>(masked_[i] ^ kMask); }
  std::string Reveal() const;  // for the one who wipes it
  MaskedBytes Part(size_t first, size_t bytes) const;
  // How often they lie there, 8 bytes at least.
  int CountBetween(const uint8_t* begin, const uint8_t* end) const;

 private:
  static constexpr uint64_t kMask = 0xa5;
  MaskedBytes() = default;
  std::vector<uint8_t> masked_;
};

enum class Scope : uint8_t { kCoreDump, kAll };

// How often the bytes lie in writable memory.
int CountInMemory(const MaskedBytes& bytes, Scope scope);

// How much memory has all of these flags, as smaps' VmFlags calls them.
size_t MemoryWithFlags(const std::vector<std::string>& flags);

}  // namespace poplar::tls
