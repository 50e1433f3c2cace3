#include "proxy/session/slot_wait.h"

#include <algorithm>

namespace poplar::session {
namespace {

constexpr io::Duration kLookInterval = std::chrono::milliseconds(500);

}  // namespace

SlotWait::SlotWait(io::Proactor& proactor, Patience& patience)
    : proactor_(proactor), patience_(patience), granted_(proactor.ready()) {}

void SlotWait::OnGranted() {
  proactor_.PostFromAnyThread([this] {
    is_granted_ = true;
    granted_.Signal();
    patience_.Signal();
  });
}

io::Task<QueueResult> SlotWait::Wait(balancer::NodePool& pool, io::Time until,
                                     absl::FunctionRef<bool()> stays) {
  QueueResult result = QueueResult::kGranted;
  while (!is_granted_) {
    const io::Time now = proactor_.Now();
    const Patience::Wake wake = co_await patience_.Until(std::min(until, now + kLookInterval));
    if (wake == Patience::Wake::kClientLeft) result = QueueResult::kClientLeft;
    if (wake == Patience::Wake::kEnded) result = QueueResult::kEnded;
    if (wake == Patience::Wake::kTime && !stays()) result = QueueResult::kNodeOut;
    if (wake == Patience::Wake::kTime && proactor_.Now() >= until) result = QueueResult::kTimeout;
    if (result != QueueResult::kGranted) break;
  }
  if (result == QueueResult::kGranted || pool.Withdraw(*this)) co_return result;
  // The grant is on its way, and takes this frame for granted.
  co_await granted_.Wait();
  const bool of_use = result == QueueResult::kTimeout || result == QueueResult::kNodeOut;
  co_return of_use ? QueueResult::kGranted : result;
}

}  // namespace poplar::session
