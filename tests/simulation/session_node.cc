#include "tests/simulation/session_node.h"

#include <array>
#include <utility>

namespace poplar::simulation {
namespace {

constexpr std::array kDeaths = {NodeFault::kClosesAtPass,     NodeFault::kClosesInAnswer,
                                NodeFault::kResetsInAnswer,   NodeFault::kClosesAtQuit,
                                NodeFault::kCommitsInSilence, NodeFault::kDiesLater};
constexpr io::Duration kLater = std::chrono::seconds(4);
constexpr size_t kEarlyBytes = 100;  // most sessions say more

std::string NameOf(const SessionNode::Plan& plan) {
  return "node " + std::to_string(plan.index) +
         (plan.generation > 0 ? "." + std::to_string(plan.generation) : "");
}

}  // namespace

io::Address SessionNode::AddressOf(size_t index, int removals) {
  return *io::Address::Parse(
      "10.0." + std::to_string(2 + removals) + "." + std::to_string(index + 1), kPort);
}

SessionNode::SessionNode(Network& network, demo::MailStore& store, SessionLedger& ledger,
                         NodeSessions& sessions, const Plan& plan)
    : plan_(plan),
      proactor_(network, NameOf(plan), AddressOf(plan.index, plan.removals)),
      random_(network.world().Stream(NameOf(plan) + "'s faults")),
      view_(ledger.mail(), store, plan.stale),
      ledger_(ledger),
      sessions_(sessions),
      node_(proactor_, store,
            {.name = "n" + std::to_string(plan.index),
             .exclusive_lock = plan.exclusive_lock,
             .sees = [this](std::string_view user) { return view_.Look(user, proactor_.Now()); }}),
      scope_(proactor_.ready()) {}

void SessionNode::Start() {
  if (stopped_ || listener_ != io::SocketId::kNone) return;
  const io::Result<io::SocketId> listener =
      proactor_.Listen(*io::Address::Parse("0.0.0.0", kPort), {.backlog = 8});
  if (!listener && listener.error().cancelled()) return;  // it is dead
  proactor_.world().Require(listener.has_value(), "a node can't listen");
  listener_ = *listener;
  address_ = proactor_.LocalAddress(listener_);
  scope_.Spawn(AcceptAll(listener_));
}

void SessionNode::Refuse() {
  if (listener_ == io::SocketId::kNone) return;
  proactor_.world().Log(proactor_.actor(), "listens no more");
  proactor_.Abort(std::exchange(listener_, io::SocketId::kNone));
}

void SessionNode::Stop() {
  stopped_ = true;
  node_.Stop();
  Refuse();
}

io::Task<void> SessionNode::AcceptAll(io::SocketId listener) {
  while (true) {
    const io::Result<io::Accepted> accepted = co_await proactor_.Accept(listener);
    if (accepted) {
      scope_.Spawn(node_.Serve(std::make_unique<NodeTap>(proactor_, *accepted, ledger_, sessions_,
                                                         trouble_, DrawTap(accepted->peer))));
    } else if (accepted.error().cancelled()) {
      break;
    } else {
      co_await proactor_.Sleep(std::chrono::milliseconds(100));
    }
  }
  if (listener_ == listener) listener_ = io::SocketId::kNone;
  proactor_.Close(listener);
}

NodeTap::Plan SessionNode::DrawTap(const io::Address& peer) {
  NodeTap::Plan tap{
      .node = plan_.index,
      .at = address_,
      .probe = peer.Host() == plan_.prober.Host(),
      .mistake = plan_.mistake,
      .after = random_.Between(0, random_.Chance(0.6) ? kEarlyBytes : plan_.fault_bytes_max),
      .later = random_.Between(io::Duration(0), kLater),
      .view = &view_};
  if (!random_.Chance(plan_.fault) || tap.probe) return tap;
  if (plan_.deaths_left == nullptr) {
    tap.fault = static_cast<NodeFault>(random_.Between(1, kNodeFaults - 1));
  } else if (*plan_.deaths_left > 0) {
    --*plan_.deaths_left;
    tap.fault = kDeaths[random_.Below(kDeaths.size())];
  }
  return tap;
}

}  // namespace poplar::simulation
