#pragma once

#include <span>

#include "metrics/move_view.h"
#include "metrics/shard.h"

namespace poplar::metrics {

// Sets all poplar_move_* series. As SetNodeGauges: on a shard that nobody else sets them on, one
// thread at a time. `before`: what this made of it the last time, by label; at first, as many as
// there are labels.
void SetMoveGauges(Shard& shard, std::span<const MoveView> moves, std::span<MoveView> before);

}  // namespace poplar::metrics
