// Under ThreadSanitizer this shows that every call is safe from any thread.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "balancer/cluster_health.h"

namespace poplar::balancer {
namespace {

using std::chrono::milliseconds;

constexpr uint32_t kNodes = 3;
constexpr int kThreads = 4;
constexpr int kRounds = 10'000;

struct Tally {
  std::array<std::array<int, 3>, kNodes> entered{};  // minus left, by node and state
  std::array<std::array<int, 3>, kNodes> told{};     // likewise the operator's states
  int transitions = 0;
  int bad_choices = 0;

  void Count(const std::optional<Transition>& transition) {
    if (!transition) return;
    ++transitions;
    const auto node = static_cast<size_t>(transition->node);
    ++entered[node][static_cast<size_t>(transition->to)];
    --entered[node][static_cast<size_t>(transition->from)];
    ++told[node][static_cast<size_t>(transition->admin_to)];
    --told[node][static_cast<size_t>(transition->admin_from)];
  }
};

void Work(ClusterHealth& cluster, std::atomic<int64_t>& clock, uint32_t seed, Tally& tally) {
  const Candidates order{NodeId{2}, NodeId{0}, NodeId{1}};
  for (int round = 0; round < kRounds; ++round) {
    seed = seed * 1664525u + 1013904223u;
    const Moment now = milliseconds(clock.fetch_add(5));
    const NodeId node{(seed >> 8) % kNodes};
    const bool works = (seed >> 20) % 3 == 0;
    tally.Count(cluster.OnProbe(node, works, "timeout", now));
    tally.Count(cluster.OnEvidence(node, works ? Evidence::kServed : Evidence::kUnreachable,
                                   "connect_refused", now));
    tally.Count(cluster.OnTime(node, now));
    if (round % 16 == 0) {
      tally.Count(cluster.SetAdmin(node, static_cast<AdminState>((seed >> 24) % 3), now));
    }
    const Choice choice = cluster.Choose(order, seed, {}, now);
    if (choice.kind == Choice::Kind::kGo) {
      cluster.SessionBegan(choice.node);
      cluster.SessionEnded(choice.node);
    }
    if (choice.kind == Choice::Kind::kWait && choice.until <= now) ++tally.bad_choices;
    static_cast<void>(cluster.InService(node, now));
    static_cast<void>(cluster.panicking(now));
    if (cluster.Status(now).size() != kNodes) ++tally.bad_choices;
  }
}

TEST(ClusterHealthThreadsTest, EachTransitionIsReportedOnceWhateverTheInterleaving) {
  const HealthRules rules{.rise = 1,
                          .fall = 2,
                          .consecutive_failures = 2,
                          .ejection_time = milliseconds(50),
                          .hold_down = milliseconds(100),
                          .slow_start = milliseconds(200)};
  for (const bool affinity : {true, false}) {
    ClusterHealth cluster({.shared_storage = true, .affinity = affinity}, rules,
                          {{NodeId{0}}, {NodeId{1}}, {NodeId{2}}});
    std::atomic<int64_t> clock = 0;
    std::array<Tally, kThreads> tallies;
    std::vector<std::thread> threads;
    for (uint32_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] { Work(cluster, clock, i, tallies[i]); });
    }
    for (std::thread& thread : threads) thread.join();

    int transitions = 0;
    const auto status = cluster.Status(milliseconds(clock));
    for (size_t node = 0; node < kNodes; ++node) {
      std::array<int, 3> entered{};
      std::array<int, 3> told{};
      for (const Tally& tally : tallies) {
        for (size_t state = 0; state < 3; ++state) {
          entered[state] += tally.entered[node][state];
          told[state] += tally.told[node][state];
        }
      }
      ++entered[0];  // where it began: up
      ++told[0];
      for (size_t state = 0; state < 3; ++state) {
        EXPECT_EQ(entered[state], static_cast<size_t>(status[node].state) == state ? 1 : 0);
        EXPECT_EQ(told[state], static_cast<size_t>(status[node].admin) == state ? 1 : 0);
      }
      EXPECT_EQ(status[node].sessions, 0u);
    }
    for (const Tally& tally : tallies) {
      transitions += tally.transitions;
      EXPECT_EQ(tally.bad_choices, 0);
    }
    EXPECT_GT(transitions, 1000);
  }
}

}  // namespace
}  // namespace poplar::balancer
