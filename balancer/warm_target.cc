#include "balancer/warm_target.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace poplar::balancer {
namespace {

double HalfLives(Duration duration) {
  return std::chrono::duration<double>(duration) /
         std::chrono::duration<double>(WarmTarget::kHalfLife);
}

}  // namespace

WarmTarget::WarmTarget(Duration horizon) : weight_(HalfLives(horizon) * std::numbers::ln2) {}

uint32_t WarmTarget::Update(uint64_t demand, Duration since_last, uint32_t limit) {
  const auto logins = static_cast<double>(demand);
  expected_ *= std::exp2(-HalfLives(std::max(since_last, Duration::zero())));
  expected_ = std::max(expected_ + logins * weight_, logins);
  expected_ = std::min(expected_, static_cast<double>(limit));
  return static_cast<uint32_t>(std::lround(expected_));
}

}  // namespace poplar::balancer
