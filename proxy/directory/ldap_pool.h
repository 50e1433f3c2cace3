#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "proxy/directory/ldap_asker.h"
#include "proxy/io/clock.h"

namespace poplar::directory {

// A question on its way: between the one who asks and the thread that finds out. The first of
// Answer and Abandon wins; the other one is told so.
class LdapTask {
 public:
  // `give` is called with the answer, once, by any thread, unless the task was abandoned.
  LdapTask(std::string user, io::Time deadline, std::function<void(Answer)> give)
      : user_(std::move(user)), deadline_(deadline), give_(std::move(give)) {}

  const std::string& user() const { return user_; }
  io::Time deadline() const { return deadline_; }

  void Give(Answer answer);
  // True: nobody is called any more. False: `give` was called, and is over.
  bool Abandon();
  bool open() const;

 private:
  const std::string user_;
  const io::Time deadline_;
  mutable std::mutex mutex_;
  std::function<void(Answer)> give_;  // guarded; null: over
};

// Threads that ask, so that no worker has to wait. Any thread may post.
class LdapPool {
 public:
  // Questions that wait for a thread. Each is another user's, since questions about one are merged;
  // all of them behind a directory that takes 10 ms an answer would wait for some seconds.
  static constexpr size_t kQueueMax = 1000;

  // One asker a thread. The clock outlives the pool. The error says why there can't be so many
  // threads.
  static tl::expected<std::unique_ptr<LdapPool>, std::string> Start(
      const io::Clock& clock, std::vector<std::unique_ptr<LdapAsker>> askers);
  // Ends the threads as soon as their askers let go; what waits is answered with kUnavailable.
  ~LdapPool();
  LdapPool(const LdapPool&) = delete;
  LdapPool& operator=(const LdapPool&) = delete;

  // False: the queue is full.
  bool Post(std::shared_ptr<LdapTask> task);

 private:
  LdapPool(const io::Clock& clock, std::vector<std::unique_ptr<LdapAsker>> askers)
      : clock_(clock), askers_(std::move(askers)) {}

  void Run(LdapAsker& asker);
  std::shared_ptr<LdapTask> Take();

  const io::Clock& clock_;
  const std::vector<std::unique_ptr<LdapAsker>> askers_;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<std::shared_ptr<LdapTask>> queue_;  // guarded by mutex
  std::vector<std::thread> threads_;
};

}  // namespace poplar::directory
