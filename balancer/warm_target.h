#pragma once

#include <cstdint>

#include "balancer/time.h"

namespace poplar::balancer {

// How many warm connections a node's pool should hold: as many as logins are to be expected within
// the horizon, the time that one takes to be replaced, with a margin (connect, TLS and greeting of
// a busy node: a second or two). Pure; one thread at a time.
//
// The estimate is an exponentially weighted rate with a half-life of 10 s, times the horizon. Each
// login adds horizon * ln 2 / half-life = 0.35, which at a steady rate of 1/s comes to 5. That
// alone would answer a burst late: 8 logins out of nothing would make 3 warm connections. So the
// logins of one update count fully: 8 of them make 8 at once, as whoever logs in comes in flocks (a
// network that is back, a clock that strikes). From there it falls by half every 10 s, since an
// idle warm connection costs a node one process for a minute while a missing one costs a user a
// handshake. Half a connection is one: a single login keeps one ready for 10 s, and a pool of 2 is
// empty 20 s after the last login.
class WarmTarget {
 public:
  static constexpr Duration kHalfLife = std::chrono::seconds(10);

  explicit WarmTarget(Duration horizon = std::chrono::seconds(5));

  // `demand`: logins since the last call, `since_last` ago. Returns the number to hold from now on,
  // at most `limit`. Call it about once a second, and when logins come.
  uint32_t Update(uint64_t demand, Duration since_last, uint32_t limit);

 private:
  const double weight_;  // of one login
  double expected_ = 0;  // logins within the horizon; never beyond the limit, so that a burst far
                         // beyond it isn't remembered for longer than one that reaches it
};

}  // namespace poplar::balancer
