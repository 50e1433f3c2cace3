#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "balancer/node_table.h"
#include "proxy/pop3/capabilities.h"

namespace poplar::upstream {

// What the nodes of a cluster said they can do; and what Poplar may promise before login in the
// cluster's name, which is what every node of it that was ever asked can do. Probes write, sessions
// read twice each. Safe from any thread.
class OfferedCapabilities {
 public:
  struct Common {
    bool known = false;  // a node has answered
    pop3::Capabilities capabilities = {};
    bool pipelining = true;  // is promised
    // Of a client's: with which ones it can be logged in at every node that was asked, which may be
    // told in another way. EXTERNAL needs the cluster's master user besides. Before a node was
    // asked, those that need no more than USER and PASS.
    pop3::MechanismSet mechanisms = {pop3::Mechanism::kPlain, pop3::Mechanism::kLogin,
                                     pop3::Mechanism::kExternal};
  };

  // No node has answered yet; until one has, the usual is promised.
  OfferedCapabilities();

  // A node's answer to CAPA, which replaces its earlier one; pop3::WithoutCapa() for a node that
  // has none. True: what is offered has changed.
  bool Learn(balancer::NodeId node, const pop3::Capabilities& capabilities);

  // Never null.
  std::shared_ptr<const Common> common() const;

  // The node's own; null: it was never asked.
  std::shared_ptr<const pop3::Capabilities> Of(balancer::NodeId node) const;

 private:
  using Known = std::pair<balancer::NodeId, std::shared_ptr<const pop3::Capabilities>>;

  Common Compute() const;

  mutable std::mutex mutex_;
  // At most one entry a node of the cluster, of at most kCapaReplyBytesMax bytes.
  std::vector<Known> known_;
  std::shared_ptr<const Common> common_;
};

}  // namespace poplar::upstream
