#pragma once

#include <algorithm>
#include <cstdint>

#include "proxy/io/clock.h"

namespace poplar::admission {

// So many a time: what wasn't used during `period` may come at once.
struct Rate {
  uint64_t count = 0;  // 0: no limit
  io::Duration period = std::chrono::seconds(1);

  explicit operator bool() const { return count > 0; }
  // That `taken` of them take. Whole periods apart, so that no product overflows.
  io::Duration TimeOf(uint64_t taken) const {
    const auto whole = static_cast<int64_t>(taken / count);
    const auto part = static_cast<double>(taken % count) / static_cast<double>(count);
    return period * whole +
           io::Duration(static_cast<int64_t>(static_cast<double>(period.count()) * part));
  }
};

// A token bucket in one number (the generic cell rate algorithm, ITU-T I.371): the time by which
// all that was taken is paid for. One thread.
class TokenBucket {
 public:
  // Full.
  TokenBucket(const Rate& rate, io::Time now) : paid_by_(now - rate.period) {}
  explicit TokenBucket(io::Time paid_by) : paid_by_(paid_by) {}

  // Takes them now; after the wait they are paid for.
  io::Duration Take(const Rate& rate, uint64_t count, io::Time now) {
    paid_by_ = std::max(paid_by_, now - rate.period) + rate.TimeOf(count);
    return std::max(paid_by_ - now, io::Duration::zero());
  }
  // Takes one if it is there.
  bool TryTake(const Rate& rate, io::Time now) {
    const io::Time paid_by = std::max(paid_by_, now - rate.period) + rate.TimeOf(1);
    if (paid_by > now) return false;
    paid_by_ = paid_by;
    return true;
  }

  io::Time paid_by() const { return paid_by_; }

 private:
  io::Time paid_by_;
};

}  // namespace poplar::admission
