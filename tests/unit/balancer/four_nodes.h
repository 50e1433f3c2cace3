#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>
#include <vector>

#include "balancer/cluster_health.h"

namespace poplar::balancer {

inline std::ostream& operator<<(std::ostream& out, const Choice& choice) {
  const auto node = static_cast<uint32_t>(choice.node);
  switch (choice.kind) {
    case Choice::Kind::kGo:
      return out << "go to " << node;
    case Choice::Kind::kWait:
      return out << "wait for " << node << " until " << choice.until.count();
    case Choice::Kind::kNone:
      return out << "none";
  }
  return out;
}

inline bool operator==(const Choice& a, const Choice& b) {
  return a.kind == b.kind && (a.kind == Choice::Kind::kNone || a.node == b.node) &&
         (a.kind != Choice::Kind::kWait || a.until == b.until);
}

inline constexpr NodeId kA{10};
inline constexpr NodeId kB{7};
inline constexpr NodeId kC{3};
inline constexpr NodeId kD{99};
inline const Candidates kOrder{kA, kB, kC, kD};

inline Choice Go(NodeId node) { return {.kind = Choice::Kind::kGo, .node = node}; }
inline Choice Wait(NodeId node, Moment until) {
  return {.kind = Choice::Kind::kWait, .node = node, .until = until};
}
inline Choice None() { return {}; }

inline constexpr HealthRules kRules{.rise = 1,
                                    .fall = 1,
                                    .consecutive_failures = 1,
                                    .hold_down = std::chrono::seconds(10),
                                    .slow_start = std::chrono::seconds(0),
                                    .panic_percent = 0};

using Members = std::vector<ClusterHealth::Member>;
inline const Members kEqual{{kA}, {kB}, {kC}, {kD}};

// What tests do to a cluster of four nodes.
struct FourNodes {
  explicit FourNodes(const HealthRules& health = kRules,
                     const ClusterRules& rules = {.shared_storage = true},
                     const Members& members = kEqual)
      : cluster(rules, health, members) {}

  void Fail(NodeId node, Moment now) { ASSERT_TRUE(cluster.OnProbe(node, false, "timeout", now)); }
  void Mend(NodeId node, Moment now) { ASSERT_TRUE(cluster.OnProbe(node, true, {}, now)); }
  Choice Choose(Moment now, uint64_t user = 0, std::vector<NodeId> tried = {}) const {
    return cluster.Choose(kOrder, user, tried, now);
  }
  void Load(NodeId node, uint32_t sessions) {
    for (uint32_t i = 0; i < sessions; ++i) cluster.SessionBegan(node);
  }

  ClusterHealth cluster;
};

}  // namespace poplar::balancer
