#include "proxy/directory/ldap_pool.h"

#include <signal.h>

#include <system_error>
#include <utility>

namespace poplar::directory {
namespace {

// Threads inherit it: signals are for the main thread, and writing to a server that has gone must
// raise none.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

// Under the lock, so that whoever fails to abandon the task finds the call over.
void LdapTask::Give(Answer answer) {
  const std::lock_guard lock(mutex_);
  if (give_ == nullptr) return;
  std::exchange(give_, nullptr)(std::move(answer));
}

bool LdapTask::Abandon() {
  const std::lock_guard lock(mutex_);
  return std::exchange(give_, nullptr) != nullptr;
}

bool LdapTask::open() const {
  const std::lock_guard lock(mutex_);
  return give_ != nullptr;
}

tl::expected<std::unique_ptr<LdapPool>, std::string> LdapPool::Start(
    const io::Clock& clock, std::vector<std::unique_ptr<LdapAsker>> askers) {
  std::unique_ptr<LdapPool> pool(new LdapPool(clock, std::move(askers)));
  const SignalsBlocked blocked;
  pool->threads_.reserve(pool->askers_.size());
  for (const auto& asker : pool->askers_) {
    try {
      pool->threads_.emplace_back([&self = *pool, &asker] { self.Run(*asker); });
    } catch (const std::system_error& error) {
      return tl::unexpected(std::string("cannot start a thread: ") + error.what());
    }
  }
  return pool;
}

LdapPool::~LdapPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  posted_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  for (const auto& task : queue_) task->Give({.text = "the directory is asked no more"});
}

bool LdapPool::Post(std::shared_ptr<LdapTask> task) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= kQueueMax)
      std::erase_if(queue_, [](const auto& each) { return !each->open(); });
    if (queue_.size() >= kQueueMax) return false;
    queue_.push_back(std::move(task));
  }
  posted_.notify_one();
  return true;
}

// Null: the pool ends.
std::shared_ptr<LdapTask> LdapPool::Take() {
  std::unique_lock lock(mutex_);
  posted_.wait(lock, [this] { return stop_ || !queue_.empty(); });
  if (stop_) return nullptr;
  auto task = std::move(queue_.front());
  queue_.pop_front();
  return task;
}

void LdapPool::Run(LdapAsker& asker) {
  while (const auto task = Take()) {
    if (!task->open()) continue;
    if (clock_.Now() >= task->deadline()) {
      task->Give({.text = "no thread was free in time"});
      continue;
    }
    task->Give(asker.Ask(task->user(), task->deadline(), stop_));
  }
}

}  // namespace poplar::directory
