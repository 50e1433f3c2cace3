#include "balancer/cluster_health.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace poplar::balancer {
namespace {

using Seat = Seating::State;

constexpr uint64_t kAllPermille = 1000;

// Of bounded load, as a fraction: 1.25.
constexpr uint64_t kLoadNumerator = 5;
constexpr uint64_t kLoadDenominator = 4;

bool Contains(std::span<const NodeId> nodes, NodeId node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

// The most sessions that a node may have when `sessions` are spread over nodes of `total` shares.
uint64_t Cap(uint64_t sessions, uint64_t share, uint64_t total) {
  return (kLoadNumerator * sessions * share + kLoadDenominator * total - 1) /
         (kLoadDenominator * total);
}

}  // namespace

// Without affinity users leave at once, so that each return is a slow one.
ClusterHealth::ClusterHealth(const ClusterRules& rules, const HealthRules& health,
                             const std::vector<Member>& members)
    : rules_(rules), health_rules_(health) {
  if (!rules.affinity) health_rules_.hold_down = Duration::zero();
  entries_.reserve(members.size());
  for (const Member& member : members) {
    by_id_.push_back(static_cast<uint32_t>(entries_.size()));
    entries_.push_back({.member = member, .health = NodeHealth(health_rules_)});
  }
  std::sort(by_id_.begin(), by_id_.end(), [this](uint32_t a, uint32_t b) {
    return entries_[a].member.node < entries_[b].member.node;
  });
  Recount();
}

void ClusterHealth::SetRules(const HealthRules& health) {
  const std::lock_guard lock(mutex_);
  health_rules_ = health;
  if (!rules_.affinity) health_rules_.hold_down = Duration::zero();
  for (Entry& entry : entries_) entry.health.SetRules(health_rules_);
  Recount();
}

std::optional<Transition> ClusterHealth::OnProbe(NodeId node, bool ok, std::string_view detail,
                                                 Moment now) {
  const std::lock_guard lock(mutex_);
  Entry& entry = Find(node);
  if (entry.member.seat == Seat::kVacant) return std::nullopt;
  return Complete(entry, entry.health.OnProbe(ok, detail, now));
}

std::optional<Transition> ClusterHealth::OnEvidence(NodeId node, Evidence evidence,
                                                    std::string_view detail, Moment now,
                                                    uint64_t user) {
  const std::lock_guard lock(mutex_);
  Entry& entry = Find(node);
  if (entry.member.seat == Seat::kVacant) return std::nullopt;
  return Complete(entry, entry.health.OnEvidence(evidence, detail, MayEject(entry), now, user));
}

std::optional<Transition> ClusterHealth::SetAdmin(NodeId node, AdminState state, Moment now) {
  const std::lock_guard lock(mutex_);
  Entry& entry = Find(node);
  const AdminState before = std::exchange(entry.member.admin, state);
  if (before == state) return std::nullopt;
  if (state == AdminState::kUp) entry.health.Return(now);
  Recount();
  entry.evidence = "the operator said " + std::string(Name(state));
  return Transition{.node = node,
                    .from = entry.health.state(),
                    .to = entry.health.state(),
                    .admin_from = before,
                    .admin_to = state,
                    .cause = TransitionCause::kAdmin,
                    .evidence = entry.evidence};
}

std::optional<Transition> ClusterHealth::OnTime(NodeId node, Moment now) {
  const std::lock_guard lock(mutex_);
  Entry& entry = Find(node);
  if (entry.member.seat == Seat::kVacant) return std::nullopt;
  return Complete(entry, entry.health.OnTime(now));
}

NodeHealth::Past ClusterHealth::PastOf(NodeId node) const {
  const std::lock_guard lock(mutex_);
  return Find(node).health.past();
}

void ClusterHealth::Restore(NodeId node, const NodeHealth::Past& past) {
  const std::lock_guard lock(mutex_);
  Find(node).health.Restore(past);
  Recount();
}

std::optional<Transition> ClusterHealth::SetAgreed(NodeId node, const std::optional<Agreed>& agreed,
                                                   Moment now) {
  const std::lock_guard lock(mutex_);
  Entry& entry = Find(node);
  const bool was_up = entry.up();
  const bool was_out = entry.agreed && entry.agreed->out;
  entry.agreed = agreed;
  const bool is_out = agreed && agreed->out;
  if (was_out == is_out || entry.member.seat == Seat::kVacant) return std::nullopt;
  // Users who never left need not come back slowly; whom the agreement was lost for can't tell.
  const bool left = agreed && agreed->changed - agreed->since >= health_rules_.hold_down;
  if (!is_out && left) entry.health.Return(std::min(agreed->changed, now));
  if (was_up == entry.up()) return std::nullopt;
  return Moved(entry, TransitionCause::kAgreed,
               is_out   ? "most replicas say that it is out"
               : agreed ? "the replicas agree that it is back"
                        : "the replicas' agreement is too old");
}

std::optional<Moment> ClusterHealth::FailingSince(NodeId node) const {
  const std::lock_guard lock(mutex_);
  const Entry& entry = Find(node);
  if (entry.member.seat == Seat::kVacant || entry.health.state() == NodeState::kUp)
    return std::nullopt;
  return entry.health.failing_since();
}

Transition ClusterHealth::Arrive(NodeId node, uint32_t weight, bool slowly, std::string evidence,
                                 Moment now) {
  const std::lock_guard lock(mutex_);
  Entry& entry = Find(node);
  assert(entry.member.seat != Seat::kPresent);
  if (entry.member.seat == Seat::kVacant) {
    assert(entry.sessions == 0);
    entry.health = NodeHealth(health_rules_);
    entry.member.admin = AdminState::kUp;
    entry.agreed.reset();
  }
  entry.member.seat = Seat::kPresent;
  entry.member.weight = weight;
  if (slowly) entry.health.Return(now);
  return Moved(entry, TransitionCause::kDiscovered, std::move(evidence));
}

void ClusterHealth::SetWeight(NodeId node, uint32_t weight) {
  const std::lock_guard lock(mutex_);
  Find(node).member.weight = weight;
  Recount();
}

Transition ClusterHealth::Leave(NodeId node, std::string evidence) {
  const std::lock_guard lock(mutex_);
  Entry& entry = Find(node);
  assert(entry.member.seat == Seat::kPresent);
  entry.member.seat = Seat::kLeaving;
  return Moved(entry, TransitionCause::kGone, std::move(evidence));
}

void ClusterHealth::Vacate(NodeId node) {
  const std::lock_guard lock(mutex_);
  Entry& entry = Find(node);
  assert(entry.member.seat == Seat::kLeaving && entry.sessions == 0);
  entry.member.seat = Seat::kVacant;
  entry.evidence.clear();
}

Seating::State ClusterHealth::seat(NodeId node) const {
  const std::lock_guard lock(mutex_);
  return Find(node).member.seat;
}

Choice ClusterHealth::Choose(const Candidates& order, uint64_t user_hash,
                             std::span<const NodeId> tried, Moment now) const {
  const size_t allowed = rules_.shared_storage ? order.size() : std::min<size_t>(order.size(), 1);
  const std::span<const NodeId> nodes(order.data(), allowed);
  const std::lock_guard lock(mutex_);
  if (!rules_.affinity) {
    const Choice choice = ByLoad(nodes, tried, /*spares=*/false, now);
    return choice.kind == Choice::Kind::kGo ? choice : ByLoad(nodes, tried, /*spares=*/true, now);
  }
  if (panicking_) return FirstUntried(nodes, tried);
  return ByAffinity(nodes, user_hash, now);
}

Choice ClusterHealth::FirstUntried(std::span<const NodeId> order,
                                   std::span<const NodeId> tried) const {
  for (const NodeId node : order) {
    if (!InService(Find(node)) || Contains(tried, node)) continue;
    return {.kind = Choice::Kind::kGo, .node = node};
  }
  return {};
}

Choice ClusterHealth::ByAffinity(std::span<const NodeId> order, uint64_t user_hash,
                                 Moment now) const {
  std::optional<NodeId> slow_starter;
  for (const NodeId node : order) {
    const Entry& entry = Find(node);
    if (!Wanted(entry)) continue;
    if (InService(entry)) {
      if (user_hash % kAllPermille < entry.health.ReadyPermille(now)) {
        return {.kind = Choice::Kind::kGo, .node = node};
      }
      if (!slow_starter) slow_starter = node;
      continue;
    }
    const Moment moves_at = entry.failing_since() + health_rules_.hold_down;
    if (rules_.shared_storage && now < moves_at) {
      return {.kind = Choice::Kind::kWait, .node = node, .until = moves_at};
    }
  }
  if (slow_starter) return {.kind = Choice::Kind::kGo, .node = *slow_starter};
  return {};
}

Choice ClusterHealth::ByLoad(std::span<const NodeId> order, std::span<const NodeId> tried,
                             bool spares, Moment now) const {
  const auto eligible = [&](const Entry& entry) {
    return InService(entry) && (entry.member.weight == 0) == spares &&
           !Contains(tried, entry.member.node);
  };
  const auto nominal = [](const Entry& entry) {
    return uint64_t{std::max(entry.member.weight, 1U)};
  };
  uint64_t total = 0;
  uint64_t total_ready = 0;
  uint64_t sessions = 0;
  for (const NodeId node : order) {
    const Entry& entry = Find(node);
    if (!eligible(entry)) continue;
    total += nominal(entry);
    total_ready += nominal(entry) * ReadyPermille(entry, now);
    sessions += entry.sessions;
  }
  if (total == 0) return {};
  // Each node's cap rounds up and they sum up to more than all sessions with this one, so that some
  // node is always below its own.
  for (const NodeId node : order) {
    const Entry& entry = Find(node);
    if (!eligible(entry)) continue;
    const uint64_t cap =
        total_ready > 0 ? Cap(sessions + 1, nominal(entry) * ReadyPermille(entry, now), total_ready)
                        : Cap(sessions + 1, nominal(entry), total);
    if (entry.sessions < cap) return {.kind = Choice::Kind::kGo, .node = node};
  }
  assert(false);
  return {};
}

bool ClusterHealth::InService(NodeId node, Moment /*now*/) const {
  const std::lock_guard lock(mutex_);
  return InService(Find(node));
}

bool ClusterHealth::Serves(NodeId node) const {
  const std::lock_guard lock(mutex_);
  const Entry& entry = Find(node);
  return entry.member.seat != Seat::kVacant && entry.member.admin != AdminState::kDown &&
         (panicking_ || entry.health.state() == NodeState::kUp);
}

Duration ClusterHealth::hold_down() const {
  const std::lock_guard lock(mutex_);
  return health_rules_.hold_down;
}

AdminState ClusterHealth::admin(NodeId node) const {
  const std::lock_guard lock(mutex_);
  return Find(node).member.admin;
}

void ClusterHealth::SessionBegan(NodeId node) {
  const std::lock_guard lock(mutex_);
  ++Find(node).sessions;
}

void ClusterHealth::SessionEnded(NodeId node) {
  const std::lock_guard lock(mutex_);
  Entry& entry = Find(node);
  assert(entry.sessions > 0);
  --entry.sessions;
}

uint32_t ClusterHealth::sessions(NodeId node) const {
  const std::lock_guard lock(mutex_);
  return Find(node).sessions;
}

std::vector<ClusterHealth::NodeStatus> ClusterHealth::Status(Moment now) const {
  std::vector<NodeStatus> status;
  status.reserve(entries_.size());
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) {
    if (entry.member.seat == Seat::kVacant) continue;
    status.push_back({.node = entry.member.node,
                      .state = entry.health.state(),
                      .admin = entry.member.admin,
                      .weight = entry.member.weight,
                      .leaving = entry.member.seat == Seat::kLeaving,
                      .in_service = InService(entry),
                      .ready_permille = ReadyPermille(entry, now),
                      .sessions = entry.sessions,
                      .ejections = entry.health.ejections(),
                      .evidence = entry.evidence});
  }
  return status;
}

bool ClusterHealth::panicking(Moment /*now*/) const {
  const std::lock_guard lock(mutex_);
  return panicking_;
}

const ClusterHealth::Entry& ClusterHealth::Find(NodeId node) const {
  const auto found =
      std::lower_bound(by_id_.begin(), by_id_.end(), node,
                       [this](uint32_t at, NodeId id) { return entries_[at].member.node < id; });
  assert(found != by_id_.end() && entries_[*found].member.node == node);
  return entries_[*found];
}

ClusterHealth::Entry& ClusterHealth::Find(NodeId node) {
  return const_cast<Entry&>(std::as_const(*this).Find(node));
}

// One that is leaving is in no count: nobody is worse off for it.
bool ClusterHealth::MayEject(const Entry& entry) const {
  if (entry.member.seat == Seat::kLeaving) return true;
  const uint64_t allowed = uint64_t{wanted_} * health_rules_.ejected_percent_max / 100;
  return out_ + 1 <= std::max(allowed, uint64_t{1});
}

std::optional<Transition> ClusterHealth::Complete(Entry& entry,
                                                  std::optional<Transition> transition) {
  if (!transition) return std::nullopt;
  entry.evidence = transition->evidence;
  transition->node = entry.member.node;
  transition->admin_from = transition->admin_to = entry.member.admin;
  Recount();
  return transition;
}

Transition ClusterHealth::Moved(Entry& entry, TransitionCause cause, std::string evidence) {
  Recount();
  entry.evidence = std::move(evidence);
  return {.node = entry.member.node,
          .from = entry.health.state(),
          .to = entry.health.state(),
          .admin_from = entry.member.admin,
          .admin_to = entry.member.admin,
          .cause = cause,
          .evidence = entry.evidence};
}

void ClusterHealth::Recount() {
  struct Tally {
    uint64_t all = 0;
    uint64_t in_service = 0;
  };
  Tally weights;
  Tally spares;
  wanted_ = out_ = 0;
  for (const Entry& entry : entries_) {
    if (!Wanted(entry)) continue;
    const bool is_up = entry.up();
    ++wanted_;
    if (!is_up) ++out_;
    Tally& tally = entry.member.weight > 0 ? weights : spares;
    const uint64_t amount = std::max(entry.member.weight, 1U);
    tally.all += amount;
    if (is_up) tally.in_service += amount;
  }
  const Tally& decisive = weights.in_service == 0 && spares.all > 0 ? spares : weights;
  panicking_ =
      decisive.all > 0 && decisive.in_service * 100 < decisive.all * health_rules_.panic_percent;
}

bool ClusterHealth::Wanted(const Entry& entry) {
  return entry.member.seat == Seat::kPresent && entry.member.admin == AdminState::kUp;
}

bool ClusterHealth::InService(const Entry& entry) const {
  return Wanted(entry) && (panicking_ || entry.up());
}

// In a panic nodes that are out take all of their users.
uint32_t ClusterHealth::ReadyPermille(const Entry& entry, Moment now) const {
  return panicking_ ? static_cast<uint32_t>(kAllPermille) : entry.health.ReadyPermille(now);
}

}  // namespace poplar::balancer
