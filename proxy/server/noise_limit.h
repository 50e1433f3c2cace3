#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

namespace poplar::server {

// Bounds how many lines nobody asked for get into the log in a second. Any thread.
class NoiseLimit {
 public:
  // 0: no bound.
  explicit NoiseLimit(uint32_t lines_per_second) : lines_per_second_(lines_per_second) {}

  void set_lines_per_second(uint32_t lines) { lines_per_second_ = lines; }

  // Whether another line may be written; if not it is counted.
  bool Admit(int64_t unix_micros);
  // How many were left out in seconds that are over, each told once.
  uint64_t TakeLeftOut(int64_t unix_micros);
  // Those of the present second, too.
  uint64_t TakeAll();

 private:
  void TurnTo(int64_t second);

  std::atomic<uint32_t> lines_per_second_;
  std::atomic<bool> any_left_out_ = false;  // so that who asks needs no lock while there are none
  std::mutex mutex_;
  int64_t second_ = 0;
  uint32_t written_ = 0;       // in this second
  uint64_t left_out_now_ = 0;  // likewise
  uint64_t left_out_ = 0;      // before, and not told
};

}  // namespace poplar::server
