#pragma once

#include <memory>

#include "balancer/node_pool.h"
#include "balancer/node_table.h"
#include "proxy/upstream/endpoint.h"

namespace poplar::upstream {

// One node as all workers share it.
struct Node {
  Node(balancer::NodeId number, std::shared_ptr<const Endpoint> where,
       const balancer::PoolLimits& limits, io::Duration patience)
      : id(number), endpoint(std::move(where)), wait_timeout(patience), pool(limits) {}

  const balancer::NodeId id;
  const std::shared_ptr<const Endpoint> endpoint;
  const io::Duration wait_timeout;  // of a login in the queue for a slot
  balancer::NodePool pool;
};

}  // namespace poplar::upstream
