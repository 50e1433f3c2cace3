#pragma once

#include <absl/functional/function_ref.h>

#include "balancer/node_pool.h"
#include "proxy/io/clock.h"
#include "proxy/io/proactor.h"
#include "proxy/io/sync.h"
#include "proxy/io/task.h"
#include "proxy/session/meter.h"
#include "proxy/session/patience.h"

namespace poplar::session {

// A login's place in the queue for a node's slots. Lives in the login's frame; the grant may come
// from any thread, all else happens on the session's.
class SlotWait final : public balancer::NodePool::Waiter {
 public:
  SlotWait(io::Proactor& proactor, Patience& patience);

  // For a login that `pool` has put into its queue: until it is granted, or `until`, or the client
  // leaves, or Poplar ends, or `stays` says no (asked twice a second: a node may go out of service
  // meanwhile). Whatever the result, `grant` may hold something, and is the caller's.
  io::Task<QueueResult> Wait(balancer::NodePool& pool, io::Time until,
                             absl::FunctionRef<bool()> stays);

  void OnGranted() override;

 private:
  io::Proactor& proactor_;
  Patience& patience_;
  bool is_granted_ = false;  // as far as this thread has heard
  io::Event granted_;
};

}  // namespace poplar::session
