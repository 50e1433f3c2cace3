#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "proxy/session/settings.h"
#include "proxy/upstream/discovery.h"

namespace poplar::server {

// The settings in force: those of the configuration, and with them which nodes there are at this
// moment where they are discovered. Any thread; one publishes at a time.
class NewestSettings {
 public:
  // `base`: for new connections, which keep it. `newest`: the same with the nodes that have been
  // discovered, for logins, which let it go when they are done.
  using Settings = std::shared_ptr<const session::Settings>;
  using Tell = std::function<void(const Settings& base, const Settings& newest)>;

  explicit NewestSettings(Settings base);

  // Before anybody publishes: how each worker is told, in the order of publication. Called on the
  // publisher's thread, under a lock.
  void OnPublished(Tell tell) { tell_ = std::move(tell); }

  Settings Get() const;
  Settings Base() const;

  // Replaces all but the discovered nodes. The clusters are the same, with the same seats.
  void SetBase(Settings base);
  // Replaces all nodes of a cluster that discovers them.
  void SetNodes(balancer::ClusterId cluster, const std::vector<upstream::DiscoveredNode>& nodes);

  // Whether settings with a node on this seat are in force, or a login still goes by them.
  bool Knows(balancer::NodeId seat) const;

 private:
  Settings Build() const;
  void Publish();

  Tell tell_;
  mutable std::mutex mutex_;
  Settings base_;  // guarded by mutex_, as all below
  // By cluster; empty where the nodes are listed.
  std::vector<std::vector<upstream::DiscoveredNode>> nodes_;
  Settings newest_;  // never base_ itself: who holds it is a login
  // Those that have been in force. As many as there were changes within one login's deadline, at
  // most.
  std::vector<std::weak_ptr<const session::Settings>> older_;
};

}  // namespace poplar::server
