#include "proxy/io/frame_pool.h"

#include <sys/mman.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

namespace poplar::io {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define POPLAR_PLAIN_FRAMES 1
#endif
#endif

#ifndef POPLAR_PLAIN_FRAMES

constexpr size_t kStep = 32;     // bytes; a size class each
constexpr size_t kClasses = 64;  // larger frames are not pooled
// Aligned to it: a frame's address leads to its slab.
constexpr size_t kSlabBytes = size_t{8} * 1024;
constexpr size_t kSlabsAtOnce = 128;  // got from the kernel together
constexpr size_t kTrimmedMax = 512;   // a call

struct FreeFrameNode {
  FreeFrameNode* next;
};

// At the beginning of its memory; the frames of one class behind it.
struct Slab {
  Slab* next = nullptr;  // among those of its class with room, if it has any
  Slab* previous = nullptr;
  FreeFrameNode* free = nullptr;
  uint32_t class_index;
  uint32_t used = 0;
  uint32_t touched = 0;  // frames beyond were never used
  bool idle = false;     // empty since the last Trim
};

constexpr size_t kSlabHeaderBytes = 64;
static_assert(sizeof(Slab) <= kSlabHeaderBytes);

constexpr size_t FrameBytes(size_t class_index) { return (class_index + 1) * kStep; }

constexpr std::array<uint32_t, kClasses> kCapacity = [] {
  std::array<uint32_t, kClasses> capacity{};
  for (size_t i = 0; i < kClasses; ++i)
    capacity[i] = static_cast<uint32_t>((kSlabBytes - kSlabHeaderBytes) / FrameBytes(i));
  return capacity;
}();

class Slabs {
 public:
  ~Slabs() {
    for (const Slab* slab : with_room_) {
      for (; slab != nullptr; slab = slab->next) in_use_ -= slab->used == 0 ? 1 : 0;
    }
    // A frame that outlives its thread keeps its memory.
    if (in_use_ > 0) return;
    for (void* memory : mapped_) munmap(memory, kMappedBytes);
  }

  void* Allocate(size_t class_index) {
    Slab* slab = with_room_[class_index];
    if (slab == nullptr) slab = AddSlab(class_index);
    void* frame = slab->free;
    if (frame != nullptr) {
      slab->free = slab->free->next;
    } else {
      frame = reinterpret_cast<char*>(slab) + kSlabHeaderBytes +
              slab->touched * FrameBytes(class_index);
      ++slab->touched;
    }
    slab->idle = false;
    if (++slab->used == kCapacity[class_index]) Unlink(*slab);
    return frame;
  }

  void Free(void* frame) noexcept {
    const size_t offset = reinterpret_cast<uintptr_t>(frame) % kSlabBytes;
    auto* slab = reinterpret_cast<Slab*>(static_cast<char*>(frame) - offset);
    slab->free = new (frame) FreeFrameNode{slab->free};
    if (slab->used-- == kCapacity[slab->class_index]) Link(*slab);
  }

  size_t Trim() {
    size_t trimmed = 0;
    for (Slab* first : with_room_) {
      for (Slab *slab = first, *next; slab != nullptr && trimmed < kTrimmedMax; slab = next) {
        next = slab->next;
        if (slab->used > 0) continue;
        if (!slab->idle) {
          slab->idle = true;
          continue;
        }
        Unlink(*slab);
        madvise(slab, kSlabBytes, MADV_DONTNEED);
        spare_.push_back(slab);
        --in_use_;
        ++trimmed;
      }
    }
    return trimmed;
  }

 private:
  // The alignment takes address space only.
  static constexpr size_t kMappedBytes = (kSlabsAtOnce + 1) * kSlabBytes;

  Slab* AddSlab(size_t class_index) {
    if (spare_.empty()) Grow();
    auto* slab = new (spare_.back()) Slab{.class_index = static_cast<uint32_t>(class_index)};
    spare_.pop_back();
    ++in_use_;
    Link(*slab);
    return slab;
  }

  void Grow() {
    void* memory =
        mmap(nullptr, kMappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    mapped_.push_back(memory);
    // Here, so that to give a slab back never takes memory.
    spare_.reserve(mapped_.size() * kSlabsAtOnce);
    const size_t offset = reinterpret_cast<uintptr_t>(memory) % kSlabBytes;
    char* end = static_cast<char*>(memory) + kMappedBytes - offset;
    for (size_t i = 1; i <= kSlabsAtOnce; ++i) spare_.push_back(end - i * kSlabBytes);
  }

  void Link(Slab& slab) {
    Slab*& first = with_room_[slab.class_index];
    slab.previous = nullptr;
    slab.next = first;
    if (first != nullptr) first->previous = &slab;
    first = &slab;
  }

  void Unlink(Slab& slab) {
    (slab.previous == nullptr ? with_room_[slab.class_index] : slab.previous->next) = slab.next;
    if (slab.next != nullptr) slab.next->previous = slab.previous;
  }

  std::array<Slab*, kClasses> with_room_{};  // by class
  std::vector<void*> mapped_;
  std::vector<void*> spare_;  // slabs of no class, most of them without memory
  size_t in_use_ = 0;         // all others
};

thread_local Slabs slabs;

#endif

}  // namespace

void* AllocateFrame(size_t bytes) {
#ifdef POPLAR_PLAIN_FRAMES
  void* frame = std::malloc(bytes);
#else
  const size_t class_index = (bytes - 1) / kStep;
  void* frame = class_index < kClasses ? slabs.Allocate(class_index) : std::malloc(bytes);
#endif
  if (frame == nullptr) std::abort();
  return frame;
}

void FreeFrame(void* frame, [[maybe_unused]] size_t bytes) noexcept {
#ifdef POPLAR_PLAIN_FRAMES
  std::free(frame);
#else
  if ((bytes - 1) / kStep < kClasses) {
    slabs.Free(frame);
  } else {
    std::free(frame);
  }
#endif
}

size_t TrimFrames() {
#ifdef POPLAR_PLAIN_FRAMES
  return 0;
#else
  return slabs.Trim();
#endif
}

}  // namespace poplar::io
