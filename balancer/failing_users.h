#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace poplar::balancer {

// Whose logins and sessions failed. One user's broken mailbox, polled every few seconds, is no sign
// of a broken node: evidence counts against it only when it comes from several.
class FailingUsers {
 public:
  static constexpr size_t kEnough = 3;

  // `user`: a hash; 0: the failure had nothing to do with a user, and is enough by itself.
  void Add(uint64_t user) {
    if (user == 0) {
      count_ = kEnough;
    } else if (count_ < kEnough && std::find(users_.begin(), users_.begin() + count_, user) ==
                                       users_.begin() + count_) {
      users_[count_++] = user;
    }
  }
  bool enough() const { return count_ >= kEnough; }
  void Clear() { count_ = 0; }

 private:
  std::array<uint64_t, kEnough> users_{};
  size_t count_ = 0;
};

}  // namespace poplar::balancer
