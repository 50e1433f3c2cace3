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
  struct Common {
    bool known = false;  // a node has answered
    pop3::Capabilities capabilities = {};
    bool pipelining = true;  // is promised
    // Of a client's; the nodes may be told in another way.
    pop3::MechanismSet mechanisms = {pop3::Mechanism::kPlain, pop3::Mechanism::kLogin};
  };

  // No node has answered yet; until one has, the usual is promised.
  OfferedCapabilities();

  // A node's answer to CAPA, which replaces its earlier one; pop3::WithoutCapa() for a node that
  // has none. True: what is offered has changed.
  bool Learn(balancer::NodeId node, const pop3::Capabilities& capabilities);

  // Never null.
  std::shared_ptr<const Common> common() const;

 private:
  mutable std::mutex mutex_;
  // At most one entry a node of the cluster, of at most kCapaReplyBytesMax bytes.
  std::vector<std::pair<balancer::NodeId, pop3::Capabilities>> known_;
  std::shared_ptr<const Common> common_;
};

}  // namespace poplar::upstream
