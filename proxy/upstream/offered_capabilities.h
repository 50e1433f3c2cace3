#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
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
  };

  // `nodes`: none of them has answered yet; until one has, the usual is promised.
  explicit OfferedCapabilities(size_t nodes);

  // A node's answer to CAPA. True: what is offered has changed.
  bool Learn(balancer::NodeId node, const pop3::Capabilities& capabilities);

  std::shared_ptr<const Replies> replies() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<balancer::NodeId, pop3::Capabilities>> known_;
  std::shared_ptr<const Replies> replies_;
};

}  // namespace poplar::upstream
