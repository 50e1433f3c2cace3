#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "proxy/admission/connection_limits.h"
#include "tests/unit/proxy/admission/addresses.h"

namespace poplar::admission {
namespace {

// No interleaving lets more in than the limits say, or leaves anything behind.
TEST(ConnectionLimitsThreads, CountExactly) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 20'000;
  Policy policy;
  policy.connections = {
      .sessions = 6, .per_address = 3, .per_network = 5, .unauthenticated_per_address = 2};
  ConnectionLimits limits(4711);
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::atomic<int> admitted = 0;
  const auto work = [&](int number) {
    const io::Address own = Numbered(0xc0000201 + static_cast<uint32_t>(number % 2));
    std::vector<ConnectionLimits::Place> places;
    for (int i = 0; i < kRounds; ++i) {
      auto place = limits.Admit(policy, io::Time());
      if (place && !place->Identify(policy, {}, own, io::Time())) {
        ++admitted;
        const int now = ++inside;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        places.push_back(std::move(*place));
        if (i % 2 == 0) places.back().LeaveUnauthenticated();
      }
      if (i % 3 == 0) {
        inside -= static_cast<int>(places.size());
        places.clear();
      }
    }
    inside -= static_cast<int>(places.size());
  };
  {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_LE(most, 5);
  EXPECT_GT(admitted, 100);
  EXPECT_EQ(limits.sessions(), 0);
  EXPECT_EQ(limits.unauthenticated(), 0);
  EXPECT_EQ(limits.groups(), 0u);
}

}  // namespace
}  // namespace poplar::admission
