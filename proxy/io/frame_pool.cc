#include "proxy/io/frame_pool.h"

#include <cstdlib>
#include <new>

namespace poplar::io {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define POPLAR_PLAIN_FRAMES 1
#endif
#endif

#ifndef POPLAR_PLAIN_FRAMES

constexpr size_t kStep = 16;       // bytes; a size class each
constexpr size_t kClasses = 128;   // frames over 2 KiB are not pooled
constexpr size_t kKeptMax = 1024;  // a class; beyond it frames go back to malloc after a peak

class FreeLists {
 public:
  ~FreeLists() {
    for (Node*& head : heads_) {
      while (head != nullptr) {
        Node* next = head->next;
        std::free(head);
        head = next;
      }
    }
  }

  void* Allocate(size_t index) {
    Node* node = heads_[index];
    if (node == nullptr) return std::malloc((index + 1) * kStep);
    heads_[index] = node->next;
    --kept_[index];
    return node;
  }

  void Free(void* frame, size_t index) noexcept {
    if (kept_[index] == kKeptMax) {
      std::free(frame);
      return;
    }
    heads_[index] = new (frame) Node{heads_[index]};
    ++kept_[index];
  }

 private:
  struct Node {
    Node* next;
  };
  Node* heads_[kClasses] = {};
  size_t kept_[kClasses] = {};
};

thread_local FreeLists free_lists;

#endif

}  // namespace

void* AllocateFrame(size_t bytes) {
#ifdef POPLAR_PLAIN_FRAMES
  void* frame = std::malloc(bytes);
#else
  const size_t index = (bytes - 1) / kStep;
  void* frame = index < kClasses ? free_lists.Allocate(index) : std::malloc(bytes);
#endif
  if (frame == nullptr) std::abort();
  return frame;
}

void FreeFrame(void* frame, [[maybe_unused]] size_t bytes) noexcept {
#ifdef POPLAR_PLAIN_FRAMES
  std::free(frame);
#else
  const size_t index = (bytes - 1) / kStep;
  if (index < kClasses) {
    free_lists.Free(frame, index);
  } else {
    std::free(frame);
  }
#endif
}

}  // namespace poplar::io
