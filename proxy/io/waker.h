#pragma once

#include <utility>

#include "proxy/io/sync.h"

namespace poplar::io {

// Whom to tell when something has happened, without a coroutine that waits for it. Tells once, and
// then forgets whom. What is told may do no more than queue work for the loop's next step.
class Waker {
 public:
  using Function = void (*)(void* context);
  Waker() = default;
  Waker(Function function, void* context) : function_(function), context_(context) {}
  // For who waits in a coroutine after all.
  static Waker Of(Event& event) {
    return {[](void* context) { static_cast<Event*>(context)->Signal(); }, &event};
  }

  void Wake() {
    if (function_ != nullptr) std::exchange(function_, nullptr)(context_);
  }

 private:
  Function function_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace poplar::io
