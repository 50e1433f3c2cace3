#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "bench/load/latency_histogram.h"

namespace poplar::bench {

enum class Failure : uint8_t { kConnect, kTls, kRefused, kClosed, kStray, kTimeout };
inline constexpr size_t kFailures = 6;

// What came of the sessions that count.
class Tally {
 public:
  using Nanos = std::chrono::nanoseconds;

  // From the moment at which it was due, which in an open loop is before it could begin.
  void SessionDone(Nanos took, bool resumed, bool counts);
  void SessionFailed(Failure failure, const std::string& step, Nanos took, bool counts);
  // `longest`: that the client was kept waiting for a byte.
  void Stalled(Nanos longest, bool counts);
  void StepDone(const std::string& name, Nanos took, bool counts);
  void Received(size_t bytes) { bytes_ += bytes; }

  uint64_t done() const { return all_done_; }
  uint64_t failed() const { return failed_; }

  // One JSON object; `elapsed` is of what counts.
  std::string Json(Nanos elapsed, const std::string& tls_library) const;

 private:
  void Ended(Nanos took);

  uint64_t all_done_ = 0;  // those that don't count included, as in bytes_
  uint64_t bytes_ = 0;
  uint64_t failed_ = 0;
  uint64_t resumed_ = 0;
  uint64_t stalled_ = 0;  // sessions that were kept waiting for over kStall
  uint64_t slow_ = 0;     // that took over kStall altogether, and failed or not
  Nanos longest_{};       // failed or not
  LatencyHistogram sessions_;
  std::array<uint64_t, kFailures> failures_{};
  std::map<std::string, uint64_t> failed_steps_;
  std::map<std::string, LatencyHistogram> steps_;
};

}  // namespace poplar::bench
