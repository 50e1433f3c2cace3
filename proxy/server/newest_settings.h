#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "proxy/session/settings.h"
#include "proxy/upstream/discovery.h"

namespace poplar::server {

// The settings that logins go by, as nodes come and go: those of the start, but for which nodes
// there are and the names of their places. Any thread; one publishes at a time.
class NewestSettings {
 public:
  using Tell = std::function<void(const std::shared_ptr<const session::Settings>&)>;

  explicit NewestSettings(std::shared_ptr<const session::Settings> first);

  // Before anybody publishes: how each worker is told, in the order of publication. Called on the
  // publisher's thread, under a lock.
  void OnPublished(Tell tell) { tell_ = std::move(tell); }

  std::shared_ptr<const session::Settings> Get() const;

  // Replaces all nodes of a cluster that has seats.
  void SetNodes(balancer::ClusterId cluster, const std::vector<upstream::DiscoveredNode>& nodes);

  // Whether settings with a node on this seat are in force, or a login still goes by them.
  bool Knows(balancer::NodeId seat) const;

 private:
  std::shared_ptr<const session::Settings> Build() const;

  const std::shared_ptr<const session::Settings> first_;
  Tell tell_;
  mutable std::mutex mutex_;
  std::shared_ptr<const session::Settings> newest_;  // guarded by mutex_, as the next
  // By cluster; empty where the list is fixed.
  std::vector<std::vector<upstream::DiscoveredNode>> nodes_;
  // Those that have been in force. As many as there were answers within one login's deadline, at
  // most.
  std::vector<std::weak_ptr<const session::Settings>> older_;
};

}  // namespace poplar::server
