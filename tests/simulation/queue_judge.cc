#include "tests/simulation/queue_judge.h"

#include <string>

namespace poplar::simulation {
namespace {

// From the grant to the login that goes on: a turn of its worker's loop or a few.
constexpr io::Duration kWakeSlack = std::chrono::seconds(1);
constexpr io::Duration kPatienceSlack = std::chrono::seconds(5);

}  // namespace

void QueueJudge::OnLeft(balancer::NodeId node, session::QueueResult result, io::Duration waited) {
  ++left_;
  const io::Time now = world_.Now();
  const io::Time came = now - waited;
  world_.Require(waited <= rules_.pool_wait + rules_.Paused() + kPatienceSlack,
                 "a login waited too long for a slot");
  std::vector<Served>& served = served_[node];
  for (const Served& other : served) {
    if (came < other.came && other.served + kWakeSlack + rules_.Paused() < now) {
      world_.Fail(
          "a login waited on in a node's queue after one was served that came later (node " +
          std::to_string(static_cast<uint32_t>(node)) + ")");
    }
  }
  if (result == session::QueueResult::kGranted) served.push_back({came, now});
}

}  // namespace poplar::simulation
