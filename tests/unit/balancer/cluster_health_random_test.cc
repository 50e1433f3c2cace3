// Random sequences of events against what must hold whatever happens. A failure names its seed;
// each seed has rules of its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "balancer/cluster_health.h"

namespace poplar::balancer {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint32_t kSeeds = 1000;
constexpr int kEvents = 1000;

class Chance {
 public:
  explicit Chance(uint32_t seed) : engine_(seed) {}
  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(engine_() % bound); }
  bool Percent(uint32_t percent) { return Below(100) < percent; }

 private:
  std::mt19937_64 engine_;
};

HealthRules RandomRules(Chance& chance) {
  constexpr uint32_t kPanic[] = {0, 30, 50, 100};
  return {.rise = 1 + chance.Below(4),
          .fall = 1 + chance.Below(4),
          .level = static_cast<ProbeLevel>(chance.Below(4)),
          .probes = chance.Percent(80),
          .consecutive_failures = chance.Below(6),
          .failure_percent = chance.Below(2) * (20 + chance.Below(80)),
          .failure_events_min = 1 + chance.Below(20),
          .ejection_time = seconds(1 + chance.Below(20)),
          .ejection_time_max = seconds(20 + chance.Below(60)),
          .ejected_percent_max = chance.Below(101),
          .hold_down = seconds(chance.Below(15)),
          .slow_start = seconds(chance.Below(2) * chance.Below(60)),
          .panic_percent = kPanic[chance.Below(4)]};
}

// What an observer who sees only events and transitions knows of one node.
struct Watched {
  NodeState state = NodeState::kUp;
  AdminState admin = AdminState::kUp;
  Moment since{};          // in service, or out of it
  Moment failing_since{};  // for the hold-down
  std::optional<Moment> first_failure;
  uint32_t probes_failed = 0;
  uint32_t probes_succeeded = 0;  // in a row, since it went out
  uint32_t failures = 0;          // in a row, since it came back
  int64_t ejections_in_row = 0;
  Moment ejection_ends{};
  uint64_t ejections = 0;
};

class Observed {
 public:
  explicit Observed(uint32_t seed)
      : chance_(seed),
        rules_(RandomRules(chance_)),
        cluster_rules_{.shared_storage = chance_.Percent(80), .affinity = chance_.Percent(70)},
        nodes_(1 + chance_.Below(8)),
        cluster_(cluster_rules_, rules_, Members()) {
    for (uint32_t i = 0; i < nodes_.size(); ++i) order_.push_back(NodeId{i});
  }

  void Step() {
    now_ += milliseconds(chance_.Below(chance_.Percent(5) ? 20'000 : 1'000));
    const uint32_t at = chance_.Below(static_cast<uint32_t>(nodes_.size()));
    switch (chance_.Below(8)) {
      case 0:
      case 1:
        return Probe(at);
      case 2:
      case 3:
      case 4:
        return Evidently(at);
      case 5:
        return Admin(at);
      default:
        Tick(at);
        return CheckChoice();
    }
  }

  // How often what was seen, so that a test which never meets its subject fails.
  struct Seen {
    int down = 0, ejected = 0, ended = 0, proved = 0, go = 0, wait = 0, none = 0, panic = 0,
        longer = 0, refused = 0, slow = 0, bounded = 0;
  };
  Seen seen;

 private:
  std::vector<ClusterHealth::Member> Members() {
    std::vector<ClusterHealth::Member> members;
    for (uint32_t i = 0; i < nodes_.size(); ++i) {
      weights_.push_back(chance_.Percent(10) ? 0 : 1 + chance_.Below(1000));
      members.push_back({.node = NodeId{i}, .weight = weights_.back()});
    }
    return members;
  }

  // Nodes often behave as they did the last time, else nothing would ever happen in a row.
  bool Works(uint32_t at) {
    if (chance_.Percent(20)) broken_ ^= 1U << at;
    return (broken_ >> at & 1U) == 0;
  }

  void Probe(uint32_t at) {
    Watched& node = nodes_[at];
    const bool ok = Works(at);
    const auto transition = cluster_.OnProbe(NodeId{at}, ok, "timeout", now_);
    if (!rules_.probes) {
      ASSERT_FALSE(transition);
      return;
    }
    node.probes_failed = ok ? 0 : node.probes_failed + 1;
    if (ok) node.first_failure.reset();
    if (!ok && !node.first_failure) node.first_failure = now_;
    node.probes_succeeded = ok && node.state != NodeState::kUp ? node.probes_succeeded + 1 : 0;
    const bool falls = node.state != NodeState::kDown && node.probes_failed >= rules_.fall;
    ASSERT_EQ(transition && transition->to == NodeState::kDown, falls);
    if (transition && transition->to == NodeState::kUp) {
      ASSERT_GE(node.probes_succeeded, rules_.rise);
      ASSERT_TRUE(node.state == NodeState::kDown || rules_.level >= ProbeLevel::kGreeting);
      ++seen.proved;
    } else if (node.state == NodeState::kDown) {
      ASSERT_LT(node.probes_succeeded, rules_.rise);
    } else if (node.state == NodeState::kEjected && rules_.level == ProbeLevel::kLogin) {
      ASSERT_LT(node.probes_succeeded, rules_.rise);
    }
    if (transition) Apply(at, *transition);
  }

  void Evidently(uint32_t at) {
    Watched& node = nodes_[at];
    const auto evidence =
        Works(at) ? Evidence::kServed : static_cast<Evidence>(1 + chance_.Below(3));
    const bool room = Out() + 1 <= Allowed();
    const auto transition = cluster_.OnEvidence(NodeId{at}, evidence, "closed", now_);
    if (node.state != NodeState::kUp) {
      ASSERT_FALSE(transition);
      return;
    }
    node.failures = evidence == Evidence::kServed ? 0 : node.failures + 1;
    if (evidence == Evidence::kServed) node.first_failure.reset();
    if (evidence != Evidence::kServed && !node.first_failure) node.first_failure = now_;
    const bool enough =
        rules_.consecutive_failures > 0 && node.failures >= rules_.consecutive_failures;
    if (!transition) {
      ASSERT_FALSE(enough && room);
      if (enough) ++seen.refused;
      return;
    }
    ASSERT_TRUE(room);
    ASSERT_EQ(transition->to, NodeState::kEjected);
    ASSERT_GT(node.failures, 0u);
    ASSERT_EQ(transition->cause == TransitionCause::kConsecutiveFailures, enough);
    Apply(at, *transition);
    if (node.admin == AdminState::kUp) {
      ASSERT_LE(Out(), Allowed());
    }
  }

  void Admin(uint32_t at) {
    const auto state = static_cast<AdminState>(chance_.Percent(70) ? 0 : 1 + chance_.Below(2));
    const auto transition = cluster_.SetAdmin(NodeId{at}, state, now_);
    ASSERT_EQ(transition.has_value(), state != nodes_[at].admin);
    nodes_[at].admin = state;
  }

  void Tick(uint32_t at) {
    Watched& node = nodes_[at];
    const auto transition = cluster_.OnTime(NodeId{at}, now_);
    ASSERT_EQ(transition.has_value(),
              node.state == NodeState::kEjected && now_ >= node.ejection_ends);
    if (!transition) return;
    ASSERT_EQ(transition->cause, TransitionCause::kEjectionEnded);
    ++seen.ended;
    Apply(at, *transition);
  }

  void Apply(uint32_t at, const Transition& transition) {
    Watched& node = nodes_[at];
    ASSERT_EQ(transition.node, NodeId{at});
    ASSERT_EQ(transition.from, node.state);
    ASSERT_NE(transition.to, node.state);
    ASSERT_FALSE(transition.evidence.empty());
    if (node.state == NodeState::kUp) {
      node.ejections_in_row =
          std::max<int64_t>(0, node.ejections_in_row - (now_ - node.since) / rules_.ejection_time);
      node.since = now_;
      node.failing_since = node.first_failure.value_or(now_);
      node.probes_succeeded = 0;
    }
    if (transition.to == NodeState::kUp) {
      node.since = now_;
      node.first_failure.reset();
      node.failures = 0;
    }
    if (transition.to == NodeState::kEjected) {
      if (node.ejections_in_row * rules_.ejection_time < rules_.ejection_time_max) {
        ++node.ejections_in_row;
      }
      const Duration length =
          std::min(rules_.ejection_time * node.ejections_in_row, rules_.ejection_time_max);
      node.ejection_ends = now_ + length;
      ++node.ejections;
      ++seen.ejected;
      if (length > rules_.ejection_time) ++seen.longer;
    }
    if (transition.to == NodeState::kDown) ++seen.down;
    node.state = transition.to;
  }

  uint32_t Out() const {
    return static_cast<uint32_t>(std::count_if(nodes_.begin(), nodes_.end(), [](const auto& n) {
      return n.admin == AdminState::kUp && n.state != NodeState::kUp;
    }));
  }
  uint32_t Allowed() const {
    const auto wanted = std::count_if(nodes_.begin(), nodes_.end(),
                                      [](const auto& n) { return n.admin == AdminState::kUp; });
    return std::max(1U, static_cast<uint32_t>(wanted) * rules_.ejected_percent_max / 100);
  }

  void CheckChoice() {
    for (size_t i = order_.size(); i > 1; --i) {
      std::swap(order_[i - 1], order_[chance_.Below(static_cast<uint32_t>(i))]);
    }
    std::vector<NodeId> tried;
    for (const NodeId node : order_) {
      if (chance_.Percent(20)) tried.push_back(node);
    }
    const uint64_t user = chance_.Below(100'000);
    const Choice choice = cluster_.Choose(order_, user, tried, now_);
    status_ = cluster_.Status(now_);
    panic_ = cluster_.panicking(now_);
    allowed_ = {order_.begin(), cluster_rules_.shared_storage ? order_.end() : order_.begin() + 1};
    if (panic_) ++seen.panic;
    for (uint32_t at = 0; at < nodes_.size(); ++at) {
      ASSERT_EQ(status_[at].state, nodes_[at].state);
      ASSERT_EQ(status_[at].ejections, nodes_[at].ejections);
      ASSERT_EQ(status_[at].in_service, InService(NodeId{at}));
    }
    switch (choice.kind) {
      case Choice::Kind::kGo:
        ++seen.go;
        return CheckGo(choice, user, tried);
      case Choice::Kind::kWait:
        ++seen.wait;
        return CheckWait(choice, user);
      case Choice::Kind::kNone:
        ++seen.none;
        return CheckNone(tried);
    }
  }

  const Watched& Of(NodeId node) const { return nodes_[static_cast<uint32_t>(node)]; }
  bool InService(NodeId node) const {
    return Of(node).admin == AdminState::kUp && (panic_ || Of(node).state == NodeState::kUp);
  }
  bool Holds(NodeId node) const {
    return cluster_rules_.affinity && cluster_rules_.shared_storage && !panic_ &&
           Of(node).admin == AdminState::kUp && Of(node).state != NodeState::kUp &&
           now_ - Of(node).failing_since < rules_.hold_down;
  }
  bool Admits(NodeId node, uint64_t user) const {
    return InService(node) &&
           (panic_ || user % 1000 < status_[static_cast<uint32_t>(node)].ready_permille);
  }
  static bool Contains(const std::vector<NodeId>& nodes, NodeId node) {
    return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
  }

  void CheckGo(const Choice& choice, uint64_t user, const std::vector<NodeId>& tried) {
    ASSERT_TRUE(Contains(allowed_, choice.node));
    ASSERT_TRUE(InService(choice.node));
    const bool passes_tried = panic_ || !cluster_rules_.affinity;
    ASSERT_FALSE(passes_tried && Contains(tried, choice.node));
    if (!cluster_rules_.affinity) return CheckLoad(choice.node, tried);
    const bool last_resort = !Admits(choice.node, user);
    if (last_resort) ++seen.slow;
    bool before = true;
    for (const NodeId node : allowed_) {
      if (node == choice.node) before = false;
      if (before || last_resort) {
        ASSERT_FALSE(Holds(node));
        ASSERT_FALSE(Admits(node, user) && !(panic_ && Contains(tried, node)));
      }
      if (before && last_resort) {
        ASSERT_FALSE(InService(node));
      }
    }
  }

  void CheckLoad(NodeId chosen, const std::vector<NodeId>& tried) {
    const auto at = [](NodeId node) { return static_cast<uint32_t>(node); };
    const bool is_spare = weights_[at(chosen)] == 0;
    const auto share = [&](NodeId node) {
      return static_cast<double>(std::max(weights_[at(node)], 1U)) *
             status_[at(node)].ready_permille;
    };
    double total = 0;
    double sessions = 1;
    for (const NodeId node : allowed_) {
      if (!InService(node) || Contains(tried, node)) continue;
      ASSERT_FALSE(is_spare && weights_[at(node)] > 0);
      if ((weights_[at(node)] == 0) != is_spare) continue;
      total += share(node);
      sessions += status_[at(node)].sessions;
    }
    if (total > 0) {
      ASSERT_LT(status_[at(chosen)].sessions, 1.25 * sessions * share(chosen) / total + 1e-6);
      ++seen.bounded;
    }
    cluster_.SessionBegan(chosen);
    if (chance_.Percent(40)) {
      for (const auto& status : status_) {
        if (status.sessions > 0) cluster_.SessionEnded(status.node);
      }
    }
  }

  void CheckWait(const Choice& choice, uint64_t user) {
    ASSERT_TRUE(Holds(choice.node));
    ASSERT_EQ(choice.until, Of(choice.node).failing_since + rules_.hold_down);
    for (const NodeId node : allowed_) {
      if (node == choice.node) break;
      ASSERT_FALSE(Admits(node, user) || Holds(node));
    }
  }

  void CheckNone(const std::vector<NodeId>& tried) {
    const bool passes_tried = panic_ || !cluster_rules_.affinity;
    for (const NodeId node : allowed_) {
      ASSERT_FALSE(Holds(node));
      ASSERT_FALSE(InService(node) && !(passes_tried && Contains(tried, node)));
    }
  }

  Chance chance_;
  HealthRules rules_;
  ClusterRules cluster_rules_;
  std::vector<Watched> nodes_;
  std::vector<uint32_t> weights_;
  ClusterHealth cluster_;
  Candidates order_;
  uint32_t broken_ = 0;
  Moment now_{};
  // Of the choice being checked.
  std::vector<ClusterHealth::NodeStatus> status_;
  std::vector<NodeId> allowed_;
  bool panic_ = false;
};

TEST(ClusterHealthRandomTest, EveryNodesStateMachineObeysItsRulesAndNoUserMovesTooEarly) {
  Observed::Seen seen;
  const auto add = [&seen](const Observed::Seen& more) {
    seen.down += more.down;
    seen.ejected += more.ejected;
    seen.ended += more.ended;
    seen.proved += more.proved;
    seen.go += more.go;
    seen.wait += more.wait;
    seen.none += more.none;
    seen.panic += more.panic;
    seen.longer += more.longer;
    seen.refused += more.refused;
    seen.slow += more.slow;
    seen.bounded += more.bounded;
  };
  for (uint32_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Observed observed(seed);
    for (int event = 0; event < kEvents; ++event) {
      observed.Step();
      if (HasFatalFailure()) return;
    }
    add(observed.seen);
  }
  for (const int count :
       {seen.down, seen.ejected, seen.ended, seen.proved, seen.go, seen.wait, seen.none, seen.panic,
        seen.longer, seen.refused, seen.slow, seen.bounded}) {
    EXPECT_GT(count, 100);
  }
}

}  // namespace
}  // namespace poplar::balancer
