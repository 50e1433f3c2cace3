#pragma once

#include <cassert>
#include <coroutine>

#include "proxy/io/run_list.h"
#include "proxy/io/task.h"

namespace poplar::io {

// Wakes the one coroutine that waits for it; a signal without a waiter is remembered, once. One
// thread.
class Event {
 public:
  explicit Event(RunList& ready) : ready_(ready) {}
  ~Event() { assert(waiter_ == nullptr); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void Signal() {
    if (waiter_ == nullptr) {
      signalled_ = true;
      return;
    }
    ready_.Push(*waiter_);
    waiter_ = nullptr;
  }

  class Awaiter : Waiter {
   public:
    explicit Awaiter(Event& event) : event_(event) {}
    bool await_ready() {
      const bool ready = event_.signalled_;
      event_.signalled_ = false;
      return ready;
    }
    void await_suspend(std::coroutine_handle<> waiting) {
      assert(event_.waiter_ == nullptr);
      handle = waiting;
      event_.waiter_ = this;
    }
    void await_resume() {}

   private:
    friend class Event;
    Event& event_;
  };
  Awaiter Wait() { return Awaiter(*this); }

 private:
  RunList& ready_;
  Awaiter* waiter_ = nullptr;
  bool signalled_ = false;
};

// A turn that one coroutine has at a time; the others wait in order. One thread.
class Turn {
 public:
  explicit Turn(RunList& ready) : ready_(&ready) {}
  ~Turn() { assert(!taken_ && waiters_.empty()); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  // Gives the turn up when it goes.
  class [[nodiscard]] Hold {
   public:
    explicit Hold(Turn* turn) : turn_(turn) {}
    Hold(Hold&& other) noexcept : turn_(other.turn_) { other.turn_ = nullptr; }
    Hold& operator=(Hold&&) = delete;
    ~Hold() {
      if (turn_ != nullptr) turn_->Pass();
    }

   private:
    Turn* turn_;
  };

  class Awaiter : Waiter {
   public:
    explicit Awaiter(Turn& turn) : turn_(turn) {}
    bool await_ready() {
      if (turn_.taken_) return false;
      turn_.taken_ = true;
      return true;
    }
    void await_suspend(std::coroutine_handle<> waiting) {
      handle = waiting;
      turn_.waiters_.Push(*this);
    }
    Hold await_resume() { return Hold(&turn_); }

   private:
    friend class Turn;
    Turn& turn_;
  };
  Awaiter Take() { return Awaiter(*this); }

  bool taken() const { return taken_; }
  // From here on another worker's; not while it is taken.
  void MoveTo(RunList& ready) {
    assert(!taken_ && waiters_.empty());
    ready_ = &ready;
  }

 private:
  void Pass() {
    // Handed over directly, so that nobody slips in between.
    if (Waiter* next = waiters_.Pop(); next != nullptr) {
      ready_->Push(*next);
    } else {
      taken_ = false;
    }
  }

  RunList* ready_;
  WaiterList waiters_;
  bool taken_ = false;
};

// Runs both tasks side by side and returns when both have ended.
Task<void> WhenBoth(RunList& ready, Task<void> first, Task<void> second);

}  // namespace poplar::io
