#include "tests/unit/proxy/tls/process_memory.h"

#include <algorithm>
#include <cassert>
#include <fstream>
#include <sstream>

namespace poplar::tls {
namespace {

struct Mapping {
  const uint8_t* begin = nullptr;
  const uint8_t* end = nullptr;
  std::vector<std::string> flags;

  bool Has(const std::string& flag) const {
    return std::find(flags.begin(), flags.end(), flag) != flags.end();
  }
};

const uint8_t* Address(const std::string& hex) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel's word for it is a number
  return reinterpret_cast<const uint8_t*>(std::stoull(hex, nullptr, 16));
}

std::vector<Mapping> OwnMappings() {
  std::vector<Mapping> mappings;
  std::ifstream smaps("/proc/self/smaps");
  for (std::string line; std::getline(smaps, line);) {
    std::istringstream words(line);
    std::string first;
    words >> first;
    const size_t dash = first.find('-');
    if (dash != std::string::npos) {
      mappings.push_back({Address(first.substr(0, dash)), Address(first.substr(dash + 1)), {}});
    } else if (first == "VmFlags:") {
      for (std::string flag; words >> flag;) mappings.back().flags.push_back(flag);
    }
  }
  return mappings;
}

// At any address, of whatever type was written there.
typedef uint64_t __attribute__((may_alias, aligned(1))) Word;

// Reads whatever is there: freed memory and red zones too. A word at a time, and without making the
// unmasked bytes anywhere.
__attribute__((no_sanitize("address", "thread", "undefined"))) int CountBetween(
    const uint8_t* begin, const uint8_t* end, const uint8_t* masked, size_t bytes, uint64_t mask) {
  const Word first = *reinterpret_cast<const Word*>(masked);
  int count = 0;
  for (const uint8_t* at = begin; at + bytes <= end; ++at) {
    if ((*reinterpret_cast<const Word*>(at) ^ mask) != first) continue;
    size_t alike = sizeof(Word);
    while (alike < bytes && (at[alike] ^ static_cast<uint8_t>(mask)) == masked[alike]) ++alike;
    if (alike == bytes) ++count;
  }
  return count;
}

}  // namespace

MaskedBytes::MaskedBytes(std::string_view bytes) {
  for (const char c : bytes) masked_.push_back(static_cast<uint8_t>(c) ^ kMask);
}

// SplitMix64, of which each number gives one byte.
MaskedBytes MaskedBytes::Pseudorandom(size_t bytes, uint64_t seed) {
  MaskedBytes made;
  for (size_t i = 0; i < bytes; ++i) {
    seed += 0x9e3779b97f4a7c15;
    uint64_t z = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    made.masked_.push_back(static_cast<uint8_t>(z >> 56));
  }
  return made;
}

int MaskedBytes::CountBetween(const uint8_t* begin, const uint8_t* end) const {
  assert(size() >= sizeof(Word));
  return tls::CountBetween(begin, end, masked_.data(), size(), kMask * 0x0101010101010101);
}

std::string MaskedBytes::Reveal() const {
  std::string bytes(size(), '\0');
  for (size_t i = 0; i < size(); ++i) bytes[i] = static_cast<char>(At(i));
  return bytes;
}

MaskedBytes MaskedBytes::Part(size_t first, size_t bytes) const {
  MaskedBytes part;
  const auto begin = masked_.begin() + static_cast<ptrdiff_t>(first);
  part.masked_.assign(begin, begin + static_cast<ptrdiff_t>(bytes));
  return part;
}

int CountInMemory(const MaskedBytes& bytes, Scope scope) {
  int count = 0;
  for (const Mapping& mapping : OwnMappings()) {
    if (!mapping.Has("rd") || !mapping.Has("wr")) continue;
    if (scope == Scope::kCoreDump && mapping.Has("dd")) continue;
    // What a sanitizer keeps about memory is larger than the memory, and holds none of its bytes.
    const bool is_shadow = mapping.Has("dd") && !mapping.Has("wf");
    if (is_shadow) continue;
    count += bytes.CountBetween(mapping.begin, mapping.end);
  }
  return count;
}

size_t MemoryWithFlags(const std::vector<std::string>& flags) {
  size_t bytes = 0;
  for (const Mapping& mapping : OwnMappings()) {
    const bool has_all = std::all_of(flags.begin(), flags.end(),
                                     [&](const std::string& flag) { return mapping.Has(flag); });
    if (has_all) bytes += static_cast<size_t>(mapping.end - mapping.begin);
  }
  return bytes;
}

}  // namespace poplar::tls
