#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "balancer/affinity.h"
#include "proxy/config/config.h"
#include "proxy/io/resolver.h"
#include "proxy/server/log.h"
#include "proxy/server/newest_settings.h"
#include "proxy/server/resolvers.h"
#include "proxy/upstream/discovery.h"

namespace poplar::server {

// The clusters whose nodes are found by DNS: whom each asks, and what becomes of the answers. Set
// up by one thread; what workers' discoveries call may come from any.
class Discoveries final : public upstream::DiscoveryHost {
 public:
  // Of a configuration that has passed its checks: makes what is needed of its name servers'
  // clients, and of what is common to a cluster's nodes.
  static tl::expected<std::unique_ptr<Discoveries>, std::string> Build(
      const config::Config& config);

  // One cluster's.
  struct Task {
    size_t cluster;  // its number
    io::Resolver* resolver;
    upstream::DiscoveryOptions options;
    const upstream::Discovery* running = nullptr;  // once a worker has it
  };
  std::vector<Task>& tasks() { return tasks_; }
  const std::vector<Task>& tasks() const { return tasks_; }

  // Before any runs; all outlive them.
  void Connect(NewestSettings& newest, const balancer::Affinity& affinity, Log& log,
               std::function<void(balancer::NodeId)> on_sat_down);

  // Whether the nodes of each are known.
  bool answered() const;
  // Questions under way and later ones end at once.
  void Stop();

  void SatDown(balancer::NodeId seat) override;
  void Publish(const upstream::Cluster& cluster,
               const std::vector<upstream::DiscoveredNode>& nodes) override;
  bool IsForgotten(balancer::NodeId seat) const override;
  void Note(std::string_view text, bool is_trouble) override;

 private:
  Resolvers resolvers_;
  std::vector<Task> tasks_;
  NewestSettings* newest_ = nullptr;
  const balancer::Affinity* affinity_ = nullptr;
  Log* log_ = nullptr;
  std::function<void(balancer::NodeId)> on_sat_down_;
};

}  // namespace poplar::server
