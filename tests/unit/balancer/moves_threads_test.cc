// Logins of one user on many threads while an operator changes the move's share to and fro.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "balancer/moves.h"

namespace poplar::balancer {
namespace {

constexpr std::array kClusters = {ClusterId{0}, ClusterId{1}};

size_t IndexOf(ClusterId cluster) { return static_cast<size_t>(cluster); }

class MovesThreads : public testing::Test {
 protected:
  // One login and its session, in the order that moves.h asks for.
  void LogIn(std::mt19937& random) {
    const ClusterId place = moves_.ClusterOf(turn_);
    Pause(random);
    const auto lease = affinity_.Acquire(place, user_, NodeId{0});
    Pause(random);
    if (!moves_.MayEnter(affinity_, user_, turn_, place)) return;
    std::atomic<int>& here = inside_[IndexOf(place)];
    const std::atomic<int>& there = inside_[1 - IndexOf(place)];
    ++here;
    Pause(random);
    if (there.load() != 0) ++in_both_;
    ++entered_[IndexOf(place)];
    --here;
  }

  static void Pause(std::mt19937& random) {
    if (random() % 4 == 0) std::this_thread::yield();
  }

  const CanonicalUser user_ = CanonicalUser::FromCanonical("anna");
  Affinity affinity_;
  Moves moves_{{{"away", kClusters[0], kClusters[1], {}, {}, 0}}};
  const Moves::Turn turn_ = *moves_.TurnOf(kClusters[0], user_);
  std::array<std::atomic<int>, 2> inside_ = {};
  std::array<std::atomic<int>, 2> entered_ = {};
  std::atomic<int> in_both_ = 0;
};

TEST_F(MovesThreads, NobodyIsInBothClusters) {
  constexpr int kSwings = 2'000;
  std::atomic<bool> stop = false;
  std::vector<std::thread> logins;
  for (unsigned seed = 0; seed < 4; ++seed) {
    logins.emplace_back([this, seed, &stop] {
      std::mt19937 random(seed);
      while (!stop.load()) LogIn(random);
    });
  }
  for (int i = 0; i < kSwings; ++i) {
    const size_t to = i % 2 == 0 ? 1 : 0;
    const int before = entered_[to].load();
    moves_.SetPermille(0, to == 1 ? kAllPermille : 0);
    while (entered_[to].load() == before) std::this_thread::yield();
  }
  stop = true;
  for (std::thread& thread : logins) thread.join();
  EXPECT_EQ(in_both_.load(), 0);
}

// Once somebody has entered the new cluster, nobody comes to the old one any more.
TEST_F(MovesThreads, NobodyComesToTheOldOneAfterTheFirstInTheNewOne) {
  for (int round = 0; round < 300; ++round) {
    moves_.SetPermille(0, 0);
    std::atomic<bool> landed = false;
    std::atomic<int> late = 0;
    std::vector<std::thread> logins;
    for (unsigned seed = 0; seed < 3; ++seed) {
      logins.emplace_back([&, seed] {
        std::mt19937 random(seed + static_cast<unsigned>(round) * 3);
        for (int i = 0; i < 40; ++i) {
          const ClusterId place = moves_.ClusterOf(turn_);
          Pause(random);
          const bool landed_before = landed.load();
          const auto lease = affinity_.Acquire(place, user_, NodeId{0});
          if (!moves_.MayEnter(affinity_, user_, turn_, place)) continue;
          if (place == kClusters[1]) landed = true;
          if (place == kClusters[0] && landed_before) ++late;
        }
      });
    }
    moves_.SetPermille(0, kAllPermille);
    for (std::thread& thread : logins) thread.join();
    EXPECT_EQ(late.load(), 0) << round;
  }
}

}  // namespace
}  // namespace poplar::balancer
