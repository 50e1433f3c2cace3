#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "balancer/node_table.h"
#include "proxy/pop3/capabilities.h"

namespace poplar::upstream {

// What Poplar may promise before login in a cluster's name: what every node of it that was ever
// asked can do. Probes write, sessions read once each. Safe from any thread.
class OfferedCapabilities {
 public:
  // Poplar's own CAPA replies before login, whole.
  struct Replies {
    std::string secure;  // where a login is allowed
    std::string clear;
    bool pipelining = true;  // is promised
  };

  // No node has answered yet; until one has, the usual is promised.
  OfferedCapabilities();

  // A node's answer to CAPA, which replaces its earlier one; pop3::WithoutCapa() for a node that
  // has none. True: what is offered has changed.
  bool Learn(balancer::NodeId node, const pop3::Capabilities& capabilities);

  // Never null.
  std::shared_ptr<const Replies> replies() const;

 private:
  mutable std::mutex mutex_;
  // At most one entry a node of the cluster, of at most kCapaReplyBytesMax bytes.
  std::vector<std::pair<balancer::NodeId, pop3::Capabilities>> known_;
  std::shared_ptr<const Replies> replies_;
};

}  // namespace poplar::upstream
