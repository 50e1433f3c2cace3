#include "proxy/server/noise_limit.h"

#include <utility>

namespace poplar::server {

void NoiseLimit::TurnTo(int64_t second) {
  if (second == second_) return;
  second_ = second;
  written_ = 0;
  left_out_ += std::exchange(left_out_now_, 0);
}

bool NoiseLimit::Admit(int64_t unix_micros) {
  if (lines_per_second_ == 0) return true;
  const std::lock_guard lock(mutex_);
  TurnTo(unix_micros / 1'000'000);
  if (written_ < lines_per_second_) {
    ++written_;
    return true;
  }
  ++left_out_now_;
  any_left_out_.store(true, std::memory_order_relaxed);
  return false;
}

uint64_t NoiseLimit::TakeLeftOut(int64_t unix_micros) {
  if (!any_left_out_.load(std::memory_order_relaxed)) return 0;
  const std::lock_guard lock(mutex_);
  TurnTo(unix_micros / 1'000'000);
  if (left_out_now_ == 0) any_left_out_.store(false, std::memory_order_relaxed);
  return std::exchange(left_out_, 0);
}

uint64_t NoiseLimit::TakeAll() {
  const std::lock_guard lock(mutex_);
  return std::exchange(left_out_, 0) + std::exchange(left_out_now_, 0);
}

}  // namespace poplar::server
