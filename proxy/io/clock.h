#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

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

// In half of its memory, for what each session keeps: to the microsecond, and 71 minutes at most.
using BriefDuration = std::chrono::duration<uint32_t, std::micro>;

// As much of it as there is room for.
constexpr BriefDuration Brief(Duration d) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(d).count();
  return BriefDuration(
      static_cast<uint32_t>(std::clamp<int64_t>(micros, 0, std::numeric_limits<uint32_t>::max())));
}

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
