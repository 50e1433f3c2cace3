#pragma once

#include <functional>
#include <mutex>
#include <vector>

namespace poplar::io {

// What other threads ask a loop to do, and the descriptor by which the loop hears of it.
class PostedFunctions {
 public:
  PostedFunctions() = default;
  ~PostedFunctions();
  PostedFunctions(const PostedFunctions&) = delete;
  PostedFunctions& operator=(const PostedFunctions&) = delete;

  // Once, before anything else. 0 or an errno.
  int Open();

  // An eventfd that becomes readable when the first function is posted after a RunAll.
  int descriptor() const { return descriptor_; }

  // From any thread.
  void Post(std::function<void()> function);
  // In the order in which they were posted; what one of them posts waits for the next call.
  void RunAll();

 private:
  int descriptor_ = -1;
  std::mutex mutex_;
  std::vector<std::function<void()>> functions_;
};

}  // namespace poplar::io
