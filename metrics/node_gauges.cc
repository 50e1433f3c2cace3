#include "metrics/node_gauges.h"

namespace poplar::metrics {

void SetNodeGauges(Shard& shard, std::span<const ClusterView> clusters) {
  for (const ClusterView& cluster : clusters) {
    shard.GaugeSet(kClusterPanic, cluster.panic ? 1 : 0, cluster.label);
    for (const NodeView& node : cluster.nodes) {
      shard.GaugeSet(kPoolConnections, node.in_use, node.label, PoolKind::kInUse);
      shard.GaugeSet(kPoolConnections, node.warm, node.label, PoolKind::kWarm);
      shard.GaugeSet(kPoolConnections, node.parked, node.label, PoolKind::kParked);
      shard.GaugeSet(kPoolSlots, node.slots, node.label);
      shard.GaugeSet(kPoolWaiting, node.waiting, node.label);
      shard.GaugeSetState(kNodeState, node.label, node.state);
      shard.GaugeSetState(kNodeAdminState, node.label, node.admin);
      shard.GaugeSet(kNodeInService, node.in_service ? 1 : 0, node.label);
    }
  }
}

}  // namespace poplar::metrics
