#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "metrics/shard.h"
#include "proxy/server/log.h"
#include "proxy/session/settings.h"
#include "proxy/upstream/observer.h"

namespace poplar::server {

// What a worker's keepers, probers and sessions learn of nodes: counted in its shard, and changes
// logged with their evidence.
class NodeObserver final : public upstream::Observer {
 public:
  NodeObserver(metrics::Shard& shard, Log& log, std::shared_ptr<const session::Settings> settings)
      : shard_(shard), log_(log), settings_(std::move(settings)) {}

  void set_on_change(std::function<void(balancer::NodeId)> on_change) {
    on_change_ = std::move(on_change);
  }

  void ProbeEnded(balancer::NodeId node, upstream::NodeFailure failure, io::Duration took) override;
  void NodeChanged(const balancer::Transition& transition) override;
  void WarmOpened(balancer::NodeId node, upstream::NodeFailure failure, io::Duration took) override;
  void ParkedEnded(balancer::NodeId node, upstream::ParkedEnd end) override;

 private:
  metrics::Shard& shard_;
  Log& log_;
  const std::shared_ptr<const session::Settings> settings_;  // any: of nodes, which outlast them
  std::function<void(balancer::NodeId)> on_change_;
};

}  // namespace poplar::server
