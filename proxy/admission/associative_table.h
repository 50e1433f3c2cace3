#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <type_traits>

namespace poplar::admission {

// A table of a fixed number of entries, like a processor's cache: each key may stand in one of
// kWays places, and where all are taken the entry of the least worth gives way. Nothing is
// allocated after the start; pages that no entry touched cost nothing. Safe from any thread, one
// short lock for each operation.
//
// An Entry has a `uint64_t tag`, is free while that is 0, and starts as all zero bytes. Keys are
// hashes under a key of this process's: nobody outside can aim at a place, and of two keys with one
// hash there are none.
template <class Entry>
class AssociativeTable {
  static_assert(std::is_trivial_v<Entry> || std::is_trivially_copyable_v<Entry>);

 public:
  static constexpr size_t kWays = 8;

  // `entries`: a power of two, kWays * kLocks at least.
  explicit AssociativeTable(size_t entries)
      : sets_(entries / kWays),
        entries_(static_cast<Entry*>(std::calloc(entries, sizeof(Entry))), &std::free) {
    assert((entries & (entries - 1)) == 0 && sets_ >= kLocks);
    if (entries_ == nullptr) std::abort();
  }

  // Calls `look(Entry&)` if there is such an entry.
  template <class Look>
  void Find(uint64_t tag, Look look) {
    const size_t set = SetOf(tag);
    const std::lock_guard lock(locks_[set % kLocks]);
    if (Entry* entry = FindIn(set, tag)) look(*entry);
  }

  // Calls `change(Entry&)` on the entry, which is made if there is none: all zero but for its tag.
  // `worth(const Entry&)`: a number; the least gives way.
  template <class Worth, class Change>
  void Put(uint64_t tag, Worth worth, Change change) {
    const size_t set = SetOf(tag);
    const std::lock_guard lock(locks_[set % kLocks]);
    Entry* entry = FindIn(set, tag);
    if (entry == nullptr) {
      Entry* const first = entries_.get() + set * kWays;
      entry = std::min_element(first, first + kWays, [&](const Entry& a, const Entry& b) {
        if (a.tag == 0 || b.tag == 0) return a.tag == 0 && b.tag != 0;
        return worth(a) < worth(b);
      });
      *entry = Entry{};
      entry->tag = tag;
    }
    change(*entry);
  }

 private:
  static constexpr size_t kLocks = 64;

  size_t SetOf(uint64_t tag) const { return (tag >> 8) & (sets_ - 1); }
  Entry* FindIn(size_t set, uint64_t tag) {
    Entry* const first = entries_.get() + set * kWays;
    Entry* const found =
        std::find_if(first, first + kWays, [&](const Entry& entry) { return entry.tag == tag; });
    return found == first + kWays ? nullptr : found;
  }

  const size_t sets_;
  std::unique_ptr<Entry[], decltype(&std::free)> entries_;
  std::array<std::mutex, kLocks> locks_;
};

}  // namespace poplar::admission
