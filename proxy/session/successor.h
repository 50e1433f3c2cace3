#pragma once

#include <functional>

#include "balancer/affinity.h"
#include "proxy/io/proactor.h"

namespace poplar::session {

// The process that has taken over from this one, and decides from then on where users are. Any
// worker may call.
class Successor {
 public:
  virtual ~Successor() = default;

  // Asks it to hold the user on `node`, or wherever it has the user already, and tells the user's
  // leases (Lease::Claimed). `done` is called on the asking proactor's thread, once; where nobody
  // answers this process decides again.
  virtual void Claim(balancer::ClusterId cluster, const balancer::CanonicalUser& user,
                     balancer::NodeId node, io::Proactor& asking, std::function<void()> done) = 0;
};

}  // namespace poplar::session
