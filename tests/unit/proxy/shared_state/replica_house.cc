#include "tests/unit/proxy/shared_state/replica_house.h"

#include <utility>

namespace poplar::shared_state {
namespace {

using balancer::Affinity;
using balancer::CanonicalUser;
using balancer::NodeId;
using std::chrono::milliseconds;

// Between looks at whether a guest has to go.
constexpr io::Duration kLook = milliseconds(20);

constexpr NodeId IdOf(int node) { return NodeId{static_cast<uint32_t>(node)}; }
std::string NodeName(int node) { return "main/" + std::to_string(node); }

}  // namespace

ReplicaHouse::ReplicaHouse(simulation::Network& network, const std::string& name,
                           const io::Address& host, const io::Address& store, Diary diary)
    : machine_(network, name, host), scope_(machine_.ready()), diary_(std::move(diary)) {
  settings_.store.host = store.Host();
  settings_.store.port = store.port();
  settings_.text = "the store";
  settings_.lease = std::chrono::seconds(3);
  Host& self = *this;
  replica_ = std::make_unique<Replica>(machine_, settings_, affinity_, self);
  gate_ = std::make_unique<ClaimGate>(machine_, *replica_);
}

ReplicaHouse::~ReplicaHouse() = default;

void ReplicaHouse::Start() {
  replica_->SetVoice(true);
  scope_.Spawn(replica_->Run());
}

void ReplicaHouse::Stop() { replica_->Stop(); }

void ReplicaHouse::Kill() {
  killed_ = true;
  machine_.Kill();
  replica_->Stop();
}

void ReplicaHouse::Visit(std::string user, io::Duration stay, std::function<int()> choose) {
  ++open_;
  scope_.Spawn(VisitTask(std::move(user), stay, std::move(choose)));
}

// As a login does it: lease, bind, claim; again elsewhere or a little later.
io::Task<void> ReplicaHouse::VisitTask(std::string user, io::Duration stay,
                                       std::function<int()> choose) {
  const CanonicalUser name = CanonicalUser::FromCanonical(user);
  Refusal refusal;
  while (!killed_) {
    const int wanted = refusal.elsewhere.value_or(choose());
    Affinity::Lease lease = affinity_.Acquire(kCluster, name, IdOf(wanted));
    if (lease.node() != IdOf(wanted)) (void)lease.Move(IdOf(wanted));
    const int node = static_cast<int>(lease.node());
    co_await machine_.Sleep(milliseconds(1));  // to connect
    if (lease.Bind() == Affinity::BindResult::kBound && co_await Claimed(lease, user, &refusal)) {
      co_await Stay(user, node, alone_[user], stay);
      lease.Release();
      break;
    }
    lease.Release();
    co_await machine_.Sleep(refusal.after);
  }
  --open_;
}

io::Task<bool> ReplicaHouse::Claimed(Affinity::Lease& lease, const std::string& user,
                                     Refusal* refusal) {
  const Affinity::Lease::Stay stay = lease.stay();
  if (stay.settled) co_return true;
  const ClaimAnswer answer = co_await gate_->Ask({kCluster, user, lease.node(), stay.number});
  *refusal = {.elsewhere = {}, .after = answer.after};
  if (answer.kind == ClaimAnswer::Kind::kElsewhere || answer.kind == ClaimAnswer::Kind::kLater) {
    if (answer.node) refusal->elsewhere = static_cast<int>(*answer.node);
    co_return false;
  }
  if (!lease.stay().settled) {
    alone_[user] = answer.kind == ClaimAnswer::Kind::kAlone;
    has_lost_[user] = false;
  }
  lease.Settle();
  co_return true;
}

io::Task<void> ReplicaHouse::Stay(const std::string& user, int node, bool alone,
                                  io::Duration stay) {
  if (killed_) co_return;
  ++visits_;
  const Guest guest{user, node, alone};
  diary_.arrived(*this, guest);
  const io::Time until = machine_.Now() + stay;
  while (machine_.Now() < until && !killed_ && !has_lost_[user]) co_await machine_.Sleep(kLook);
  if (!killed_) diary_.left(*this, guest);
}

void ReplicaHouse::SetFailing(int node, bool failing) {
  if (failing) {
    failing_.try_emplace(node, machine_.Now().time_since_epoch());
  } else {
    failing_.erase(node);
  }
  replica_->LookAtNodes();
}

bool ReplicaHouse::agreed_out(int node) const {
  const auto found = agreed_out_.find(NodeName(node));
  return found != agreed_out_.end() && found->second;
}

std::vector<Host::Node> ReplicaHouse::Nodes() {
  std::vector<Node> nodes;
  for (int i = 0; i < kNodes; ++i) {
    const auto failing = failing_.find(i);
    nodes.push_back({NodeName(i),
                     failing == failing_.end() ? std::nullopt : std::optional(failing->second),
                     std::chrono::seconds(5)});
  }
  return nodes;
}

void ReplicaHouse::Agreed(std::string_view node,
                          const std::optional<balancer::ClusterHealth::Agreed>& agreed) {
  agreed_out_.insert_or_assign(std::string(node), agreed && agreed->out);
}

std::string ReplicaHouse::NameOf(balancer::ClusterId /*cluster*/) { return "main"; }

std::string ReplicaHouse::NameOf(NodeId node) { return NodeName(static_cast<int>(node)); }

std::optional<NodeId> ReplicaHouse::Find(std::string_view node) {
  for (int i = 0; i < kNodes; ++i) {
    if (node == NodeName(i)) return IdOf(i);
  }
  return std::nullopt;
}

void ReplicaHouse::Lost(balancer::ClusterId /*cluster*/, const std::string& user) {
  ++lost_;
  has_lost_[user] = true;
}

void ReplicaHouse::Heard(const Word& /*word*/) {}
void ReplicaHouse::Counted(const admission::PenaltyNote& /*note*/, io::Time /*when*/) {}
void ReplicaHouse::Tell(const std::string& /*text*/, bool /*is_trouble*/) {}

}  // namespace poplar::shared_state
