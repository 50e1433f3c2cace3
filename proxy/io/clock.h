#pragma once

#include <chrono>
#include <cstdint>

namespace poplar::io {

// Monotonic time of a world; real or virtual. There is deliberately no now() here: ask the world's
// Clock.
struct Monotonic {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Monotonic>;
  static constexpr bool is_steady = true;
};

using Duration = Monotonic::duration;
using Time = Monotonic::time_point;

inline double Seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time Now() const = 0;
  // Wall clock, for logs and certificates only: microseconds since 1970-01-01 UTC.
  virtual int64_t UnixMicros() const = 0;
};

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;
};

}  // namespace poplar::io
