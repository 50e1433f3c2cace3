#pragma once

#include <cassert>
#include <coroutine>

namespace poplar::io {

// Something that waits in a coroutine frame; owned by that frame, never by a list.
struct Waiter {
  std::coroutine_handle<> handle;
  Waiter* next = nullptr;
  bool queued = false;

  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() { assert(!queued); }
};

// First-in first-out list of waiters; intrusive, so queueing never allocates.
class WaiterList {
 public:
  bool empty() const { return head_ == nullptr; }

  void Push(Waiter& waiter) {
    assert(!waiter.queued);
    waiter.queued = true;
    waiter.next = nullptr;
    (tail_ == nullptr ? head_ : tail_->next) = &waiter;
    tail_ = &waiter;
  }

  Waiter* Pop() {
    Waiter* waiter = head_;
    if (waiter == nullptr) return nullptr;
    head_ = waiter->next;
    if (head_ == nullptr) tail_ = nullptr;
    waiter->queued = false;
    return waiter;
  }

  // O(n); for the rare waiter that leaves before its turn. False if it isn't in this list.
  bool Remove(Waiter& waiter) {
    Waiter* before = nullptr;
    for (Waiter* at = head_; at != nullptr; before = at, at = at->next) {
      if (at != &waiter) continue;
      (before == nullptr ? head_ : before->next) = at->next;
      if (tail_ == at) tail_ = before;
      at->queued = false;
      return true;
    }
    return false;
  }

 private:
  Waiter* head_ = nullptr;
  Waiter* tail_ = nullptr;
};

// What is ready to go on. A completion is queued here and resumed from the loop, never inside
// another coroutine's stack: the order is deterministic and the stack stays bounded.
using RunList = WaiterList;

}  // namespace poplar::io
