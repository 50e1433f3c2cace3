#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "balancer/node_table.h"
#include "proxy/pop3/capabilities.h"
#include "proxy/pop3/sasl_message.h"

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
    // With which a client can be logged in at every node that was asked; the nodes may be told in
    // another way. Before one was, those alone that need no more than USER and PASS. EXTERNAL is
    // among them, and needs the cluster's master user besides.
    pop3::MechanismSet mechanisms = {};
  };

  // No node has answered yet; until one has, the usual is promised.
  OfferedCapabilities();

  // A node's answer to CAPA, which replaces its earlier one; pop3::WithoutCapa() for a node that
  // has none. True: what is offered has changed.
  bool Learn(balancer::NodeId node, const pop3::Capabilities& capabilities);

  // Another node takes this one's place, or nobody does.
  void Forget(balancer::NodeId node);

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

// What can be promised for both of two clusters. Nothing is known of a cluster none of whose
// nodes has answered yet: then the other's counts.
std::shared_ptr<const OfferedCapabilities::Common> Intersection(
    const std::shared_ptr<const OfferedCapabilities::Common>& a,
    const std::shared_ptr<const OfferedCapabilities::Common>& b);

}  // namespace poplar::upstream
