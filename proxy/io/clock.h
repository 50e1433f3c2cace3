#pragma once

#include <algorithm>
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

// In half of its memory, for what each session keeps: what was measured, to the microsecond and 71
// minutes at most; and what was configured, to the millisecond and 49 days at most.
using BriefDuration = std::chrono::duration<uint32_t, std::micro>;
using ConfiguredDuration = std::chrono::duration<uint32_t, std::milli>;

// As much of it as there is room for; what was configured is never less than that.
constexpr BriefDuration Brief(Duration d) {
  const auto micros = std::chrono::floor<std::chrono::microseconds>(d).count();
  return BriefDuration(static_cast<uint32_t>(std::clamp<int64_t>(micros, 0, UINT32_MAX)));
}
constexpr ConfiguredDuration Configured(Duration d) {
  const auto millis = std::chrono::ceil<std::chrono::milliseconds>(d).count();
  return ConfiguredDuration(static_cast<uint32_t>(std::clamp<int64_t>(millis, 0, UINT32_MAX)));
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
