#pragma once

#include <bitset>
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
  // Poplar's own CAPA replies before login, whole.
  struct Replies {
    std::string secure;  // where a login is allowed
    std::string clear;
    bool pipelining = true;  // is promised
    // By pop3::Mechanism: with which ones a client can be logged in at every node that was asked.
    // Before one was, with those alone that need no more than USER and PASS. EXTERNAL is among
    // them, and needs the cluster's master user besides.
    std::bitset<pop3::kMechanismCount> mechanisms;
    // What all nodes that were asked said alike; empty before one was.
    pop3::Capabilities common;
    bool known = false;  // one was

    bool Serves(pop3::Mechanism mechanism) const {
      return mechanisms.test(static_cast<size_t>(mechanism));
    }
  };

  // No node has answered yet; until one has, the usual is promised.
  OfferedCapabilities();

  // A node's answer to CAPA, which replaces its earlier one; pop3::WithoutCapa() for a node that
  // has none. True: what is offered has changed.
  bool Learn(balancer::NodeId node, const pop3::Capabilities& capabilities);

  // Never null.
  std::shared_ptr<const Replies> replies() const;

  // The node's own; null: it was never asked.
  std::shared_ptr<const pop3::Capabilities> Of(balancer::NodeId node) const;

 private:
  using Known = std::pair<balancer::NodeId, std::shared_ptr<const pop3::Capabilities>>;

  Replies Compute() const;

  mutable std::mutex mutex_;
  // At most one entry a node of the cluster, of at most kCapaReplyBytesMax bytes.
  std::vector<Known> known_;
  std::shared_ptr<const Replies> replies_;
};

}  // namespace poplar::upstream
