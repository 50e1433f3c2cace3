#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace poplar::server {

// A worker that says nothing for so long is stuck, or far behind.
inline constexpr std::chrono::seconds kWorkerPatience{1};

// What workers say, each on its own thread, while somebody else waits for it. Shared by all of
// them, so that what comes too late still finds its place.
template <class Answer>
class WorkerAnswers {
 public:
  explicit WorkerAnswers(size_t workers) : silent_(workers) {}

  // By each worker once.
  void Give(Answer answer) {
    {
      const std::lock_guard lock(mutex_);
      answers_.push_back(std::move(answer));
      --silent_;
    }
    given_.notify_one();
  }

  struct Result {
    std::vector<Answer> answers;
    size_t silent = 0;  // workers that haven't said anything in time
  };
  // Once.
  Result Wait(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    given_.wait_for(lock, patience, [this] { return silent_ == 0; });
    return {std::move(answers_), silent_};
  }

 private:
  std::mutex mutex_;
  std::condition_variable given_;
  std::vector<Answer> answers_;  // guarded by mutex_, as the next
  size_t silent_;
};

}  // namespace poplar::server
