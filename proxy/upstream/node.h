#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "balancer/node_pool.h"
#include "balancer/node_table.h"
#include "proxy/upstream/endpoint.h"

namespace poplar::upstream {

// One node as all workers share it; in a cluster whose nodes come and go, a seat, on which one node
// may follow another.
struct Node {
  Node(balancer::NodeId number, std::shared_ptr<const Endpoint> where,
       const balancer::PoolLimits& limits, io::Duration patience)
      : id(number), pool(limits), wait_timeout_(patience.count()), endpoint_(std::move(where)) {}

  const balancer::NodeId id;
  balancer::NodePool pool;
  // The last probe's time in nanoseconds; 0: there was none yet.
  std::atomic<int64_t> probe_took = 0;

  // Of a login in the queue for a slot. Any thread.
  io::Duration wait_timeout() const { return io::Duration(wait_timeout_.load()); }
  void set_wait_timeout(io::Duration patience) { wait_timeout_ = patience.count(); }

  // Never null; a vacant seat's has no address. Any thread, a short lock: for what is done once a
  // login.
  std::shared_ptr<const Endpoint> endpoint() const {
    const std::lock_guard lock(mutex_);
    return endpoint_;
  }
  // The node has another address, or another node has sat down. Connections to the old one are no
  // longer fit for a login: see Connection::LeadsTo.
  void set_endpoint(std::shared_ptr<const Endpoint> endpoint) {
    const std::lock_guard lock(mutex_);
    endpoint_.swap(endpoint);
    probe_took = 0;
  }

 private:
  std::atomic<int64_t> wait_timeout_;  // nanoseconds
  mutable std::mutex mutex_;
  std::shared_ptr<const Endpoint> endpoint_;
};

}  // namespace poplar::upstream
