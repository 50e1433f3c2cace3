#pragma once

#include <cassert>
#include <coroutine>
#include <cstddef>

#include "proxy/io/run_list.h"
#include "proxy/io/task.h"

namespace poplar::io {

// Owns coroutines that nobody awaits: a worker's sessions. It must be empty when it dies; ending
// them is the business of whoever spawned them (shut their sockets down, so that they return by
// themselves). One thread.
class TaskScope {
 public:
  explicit TaskScope(RunList& ready) : ready_(ready) {}
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;
  ~TaskScope() { assert(count_ == 0); }

  // Starts the task at the loop's next step.
  void Spawn(Task<void> task) {
    ++count_;
    RunDetached(this, std::move(task));
  }

  // For one that ends now, to be spawned again when something happens: meanwhile it counts as if it
  // ran.
  void Keep() { ++count_; }
  void SpawnKept(Task<void> task) { RunDetached(this, std::move(task)); }

  size_t count() const { return count_; }

  // Waits until no task is left. One waiter at a time.
  auto Empty() { return EmptyAwaiter(*this); }

 private:
  struct Detached {
    struct promise_type {
      static void* operator new(size_t bytes) { return AllocateFrame(bytes); }
      static void operator delete(void* frame, size_t bytes) noexcept { FreeFrame(frame, bytes); }
      Detached get_return_object() { return {}; }
      std::suspend_never initial_suspend() noexcept { return {}; }
      std::suspend_never final_suspend() noexcept { return {}; }
      void return_void() {}
      void unhandled_exception() noexcept { std::terminate(); }
    };
  };

  class Start : Waiter {
   public:
    explicit Start(RunList& ready) : ready_(ready) {}
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> starting) {
      handle = starting;
      ready_.Push(*this);
    }
    void await_resume() {}

   private:
    RunList& ready_;
  };

  class EmptyAwaiter : Waiter {
   public:
    explicit EmptyAwaiter(TaskScope& scope) : scope_(scope) {}
    bool await_ready() { return scope_.count_ == 0; }
    void await_suspend(std::coroutine_handle<> waiting) {
      assert(scope_.waiter_ == nullptr);
      handle = waiting;
      scope_.waiter_ = this;
    }
    void await_resume() {}

   private:
    friend class TaskScope;
    TaskScope& scope_;
  };

  static Detached RunDetached(TaskScope* scope, Task<void> task) {
    co_await Start(scope->ready_);
    {
      Task<void> running(std::move(task));
      co_await std::move(running);
    }
    scope->OnEnd();
  }

  void OnEnd() {
    assert(count_ > 0);
    if (--count_ > 0 || waiter_ == nullptr) return;
    ready_.Push(*waiter_);
    waiter_ = nullptr;
  }

  RunList& ready_;
  size_t count_ = 0;
  EmptyAwaiter* waiter_ = nullptr;
};

}  // namespace poplar::io
