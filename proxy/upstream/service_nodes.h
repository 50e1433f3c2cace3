#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/io/resolver.h"

namespace poplar::upstream {

// A node as an SRV record names it.
struct ServiceNode {
  std::string name;  // of the node: the host's, and where that has further ports, "host:port"
  std::string host;
  uint16_t port = 0;
  uint32_t weight = 100;  // as balancer::Node has it

  friend bool operator==(const ServiceNode&, const ServiceNode&) = default;
};

// The nodes that SRV records mean (RFC 2782), each once; sorted, so that the same records always
// give the same. Those of the best priority (the lowest number) take the users, by their weights:
// as they are up to 1000, the most that a node can have; where one is higher, all in proportion, so
// that the highest is 1000. The RFC's 0, "a very small share", becomes 1 beside others; where all
// are 0, all are equal. Those of other priorities are spares, of weight 0. A host whose name is
// none is left out.
std::vector<ServiceNode> NodesOf(std::vector<io::ServiceTarget> targets);

}  // namespace poplar::upstream
