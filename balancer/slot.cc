#include "balancer/slot.h"

#include <utility>

#include "balancer/node_pool.h"

namespace poplar::balancer {

Slot::Slot(Slot&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)), ending_(std::exchange(other.ending_, false)) {}

Slot& Slot::operator=(Slot&& other) noexcept {
  if (this == &other) return *this;
  Release();
  pool_ = std::exchange(other.pool_, nullptr);
  ending_ = std::exchange(other.ending_, false);
  return *this;
}

void Slot::Release() {
  // Empty before the pool hears of it: what it calls may come back here.
  NodePool* const pool = std::exchange(pool_, nullptr);
  const bool ending = std::exchange(ending_, false);
  if (pool != nullptr) pool->OnSlotReleased(ending);
}

}  // namespace poplar::balancer
