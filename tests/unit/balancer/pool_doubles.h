#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "balancer/node_pool.h"

namespace poplar::balancer {

// A connection with a number. Its end is recorded, and asks the pool something: were it destroyed
// under the pool's lock, that would never come back.
class NumberedConnection : public PooledConnection {
 public:
  NumberedConnection(const NodePool& pool, int number, Slot its_slot,
                     std::vector<int>* ended = nullptr)
      : pool_(pool), number_(number), ended_(ended) {
    slot = std::move(its_slot);
  }
  ~NumberedConnection() override {
    static_cast<void>(pool_.counts());
    if (ended_ != nullptr) ended_->push_back(number_);
  }

  int number() const { return number_; }

 private:
  const NodePool& pool_;
  const int number_;
  std::vector<int>* const ended_;
};

inline int NumberOf(const std::unique_ptr<PooledConnection>& connection) {
  return connection == nullptr ? -1 : static_cast<const NumberedConnection&>(*connection).number();
}

inline std::vector<int> NumbersOf(const std::vector<NodePool::Idle>& idle) {
  std::vector<int> numbers;
  for (const NodePool::Idle& one : idle) numbers.push_back(NumberOf(one.connection));
  return numbers;
}

// Records in whose turn it was told.
class RecordingWaiter : public NodePool::Waiter {
 public:
  RecordingWaiter(const NodePool& pool, std::string name, std::vector<std::string>& told)
      : pool_(pool), name_(std::move(name)), told_(told) {}

  void OnGranted() override {
    static_cast<void>(pool_.counts());  // never comes back under the pool's lock
    told_.push_back(name_);
  }

 private:
  const NodePool& pool_;
  const std::string name_;
  std::vector<std::string>& told_;
};

inline CanonicalUser UserNamed(const std::string& name) {
  return *CanonicalUser::FromLogin(name, {});
}

}  // namespace poplar::balancer
