#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "balancer/affinity.h"
#include "proxy/server/newest_settings.h"
#include "proxy/upstream/discovery.h"
#include "tests/simulation/name_server.h"
#include "tests/simulation/places.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// Finds the nodes of a world's first cluster, as proxy/server has it done, and holds what is
// published to what the name server has said.
class SessionDiscovery final : private upstream::DiscoveryHost {
 public:
  using Publishes = std::function<void(std::shared_ptr<const session::Settings>)>;
  using SitsDown = std::function<void(balancer::NodeId)>;

  // All outlive it. `publishes`: new settings, for all workers. `sits_down`: another node is about
  // to, on this seat.
  SessionDiscovery(World& world, const Places& places, NameServer& names,
                   const balancer::Affinity& affinity,
                   std::shared_ptr<const session::Settings> settings, Publishes publishes,
                   SitsDown sits_down);

  // On the machine's thread; once.
  upstream::Discovery& Start(io::Proactor& machine, upstream::Observer& observer);

  // Once it has ended: gives back what it holds of the machine.
  void End() { discovery_.reset(); }

  bool answered() const { return discovery_ != nullptr && discovery_->status().answered; }
  // Whether sessions may choose the node.
  bool present(size_t node) const { return present_[node]; }
  // Whether there ever was no seat for a node that is named, or no answer to where it is: then
  // there may be nobody to go to.
  bool was_short() const { return short_; }
  // Where the node has been all the time since then, as far as Poplar can know. Nothing: at more
  // addresses than one, or at none.
  std::optional<io::Address> AddressSince(size_t node, io::Time since) const;
  // Fails the world if the node, which has not been named for so long, is still present.
  void MustHaveLeft(size_t node) const;
  // After how long a whole answer must have had its effect.
  static io::Duration Slowness();

 private:
  void SatDown(balancer::NodeId seat) override { sits_down_(seat); }
  void Publish(const upstream::Cluster& cluster,
               const std::vector<upstream::DiscoveredNode>& nodes) override;
  bool IsForgotten(balancer::NodeId seat) const override;
  void Note(std::string_view text, bool is_trouble) override;

  struct Stay {
    io::Time since{};
    io::Address address;
  };

  World& world_;
  const Places& places_;
  NameServer& names_;
  const balancer::Affinity& affinity_;
  const std::shared_ptr<const session::Settings> settings_;
  const SitsDown sits_down_;
  server::NewestSettings newest_;
  int actor_;
  std::unique_ptr<upstream::Discovery> discovery_;
  std::vector<bool> present_;
  bool short_ = false;
  std::vector<std::optional<Stay>> stays_;  // the latest of each node
};

}  // namespace poplar::simulation
