#include "metrics/move_gauges.h"

#include <cstddef>

namespace poplar::metrics {

void SetMoveGauges(Shard& shard, std::span<const MoveView> moves, std::span<MoveView> before) {
  for (const MoveView& now : moves) {
    const auto label = static_cast<size_t>(now.label);
    if (label >= before.size()) continue;  // more than there are seats
    MoveView& then = before[label];
    shard.GaugeSet(kMovePermille, now.permille, now.label);
    shard.GaugeSet(kMoveLoginsWaiting, static_cast<int64_t>(now.waiting), now.label);
    shard.GaugeSet(kMoveSessionsEnding, static_cast<int64_t>(now.ending), now.label);
    shard.Add(kMoveLogins, now.landed - then.landed, now.label, MoveResult::kLanded);
    shard.Add(kMoveLogins, now.waited_too_long - then.waited_too_long, now.label,
              MoveResult::kWaitedTooLong);
    shard.Add(kMoveSessionsEnded, now.ended - then.ended, now.label);
    then = now;
  }
}

}  // namespace poplar::metrics
