#pragma once

#include <cassert>

namespace poplar::admission {

class Seniority;

// A connection that hasn't logged in yet, and so has to go when there are too many.
class Newcomer {
 public:
  Newcomer() = default;
  Newcomer(const Newcomer&) = delete;
  Newcomer& operator=(const Newcomer&) = delete;

  // It is the oldest, and there are too many: it is to end at once. It stands in the list no more.
  virtual void GiveWay() = 0;

 protected:
  ~Newcomer();

 private:
  friend class Seniority;
  Seniority* list_ = nullptr;
  Newcomer* older_ = nullptr;
  Newcomer* younger_ = nullptr;
};

// One worker's newcomers in the order in which they came. One thread; allocates nothing.
class Seniority {
 public:
  Seniority() = default;
  ~Seniority() { assert(oldest_ == nullptr); }
  Seniority(const Seniority&) = delete;
  Seniority& operator=(const Seniority&) = delete;

  void Add(Newcomer& newcomer) {
    assert(newcomer.list_ == nullptr);
    newcomer.list_ = this;
    newcomer.older_ = youngest_;
    newcomer.younger_ = nullptr;
    (youngest_ == nullptr ? oldest_ : youngest_->younger_) = &newcomer;
    youngest_ = &newcomer;
  }
  // Nothing where it isn't in the list.
  void Remove(Newcomer& newcomer) {
    if (newcomer.list_ != this) return;
    (newcomer.older_ == nullptr ? oldest_ : newcomer.older_->younger_) = newcomer.younger_;
    (newcomer.younger_ == nullptr ? youngest_ : newcomer.younger_->older_) = newcomer.older_;
    newcomer.list_ = nullptr;
    newcomer.older_ = newcomer.younger_ = nullptr;
  }
  // False: there is none.
  bool EndOldest() {
    if (oldest_ == nullptr) return false;
    Newcomer& leaving = *oldest_;
    Remove(leaving);
    leaving.GiveWay();
    return true;
  }

 private:
  Newcomer* oldest_ = nullptr;
  Newcomer* youngest_ = nullptr;
};

inline Newcomer::~Newcomer() {
  if (list_ != nullptr) list_->Remove(*this);
}

}  // namespace poplar::admission
