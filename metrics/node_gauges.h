#pragma once

#include <span>

#include "metrics/node_view.h"
#include "metrics/shard.h"

namespace poplar::metrics {

// Sets poplar_pool_connections, _slots, _waiting, poplar_node_state, _admin_state, _in_service and
// poplar_cluster_panic. Nodes and pools are shared by all workers, so these gauges have a shard of
// their own that nobody else sets them on: set them just before each Exporter::Text, one thread at
// a time.
void SetNodeGauges(Shard& shard, std::span<const ClusterView> clusters);

}  // namespace poplar::metrics
