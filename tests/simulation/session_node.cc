#include "tests/simulation/session_node.h"

#include <utility>

namespace poplar::simulation {
namespace {

constexpr size_t kEarlyBytes = 100;  // most sessions say more

std::string NameOf(size_t index) { return "node " + std::to_string(index); }

io::Address HostOf(size_t index) {
  return *io::Address::Parse("10.0.2." + std::to_string(index + 1), 0);
}

}  // namespace

SessionNode::SessionNode(Network& network, demo::MailStore& store, SessionLedger& ledger,
                         NodeSessions& sessions, const Plan& plan)
    : plan_(plan),
      proactor_(network, NameOf(plan.index), HostOf(plan.index)),
      random_(network.world().Stream(NameOf(plan.index) + "'s faults")),
      ledger_(ledger),
      sessions_(sessions),
      node_(proactor_, store,
            {.name = "n" + std::to_string(plan.index), .exclusive_lock = plan.exclusive_lock}),
      scope_(proactor_.ready()) {}

void SessionNode::Start() {
  const io::Result<io::SocketId> listener =
      proactor_.Listen(*io::Address::Parse("0.0.0.0", 110), {.backlog = 8});
  proactor_.world().Require(listener.has_value(), "a node can't listen");
  listener_ = *listener;
  address_ = proactor_.LocalAddress(listener_);
  scope_.Spawn(AcceptAll());
}

void SessionNode::Stop() {
  node_.Stop();
  if (listener_ != io::SocketId::kNone) proactor_.Abort(listener_);
}

io::Task<void> SessionNode::AcceptAll() {
  while (true) {
    const io::Result<io::Accepted> accepted = co_await proactor_.Accept(listener_);
    if (accepted) {
      scope_.Spawn(node_.Serve(
          std::make_unique<NodeTap>(proactor_, *accepted, ledger_, sessions_, DrawTap())));
    } else if (accepted.error().cancelled()) {
      break;
    } else {
      co_await proactor_.Sleep(std::chrono::milliseconds(100));
    }
  }
  proactor_.Close(std::exchange(listener_, io::SocketId::kNone));
}

NodeTap::Plan SessionNode::DrawTap() {
  NodeTap::Plan tap{
      .node = plan_.index,
      .mistake = plan_.mistake,
      .after = random_.Between(0, random_.Chance(0.6) ? kEarlyBytes : plan_.fault_bytes_max)};
  if (random_.Chance(plan_.fault)) {
    tap.fault = static_cast<NodeFault>(random_.Between(1, kNodeFaults - 1));
  }
  return tap;
}

}  // namespace poplar::simulation
