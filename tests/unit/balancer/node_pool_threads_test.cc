// One pool under many threads. Run it under ThreadSanitizer too.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "tests/unit/balancer/pool_doubles.h"

namespace poplar::balancer {
namespace {

using std::chrono::milliseconds;

constexpr ClusterId kMain{0};
constexpr uint32_t kSize = 4;
constexpr int kThreads = 6;
constexpr int kRounds = 4'000;
// A machine with little time for us may let the threads run one after the other: go on until they
// have met.
constexpr int kRoundsMax = 100 * kRounds;
// Of a test that has failed: somebody was forgotten in the queue.
constexpr std::chrono::seconds kForgotten(60);

// Counts itself while it holds its slot.
class CountedConnection : public PooledConnection {
 public:
  CountedConnection(std::atomic<uint32_t>& live, std::atomic<uint32_t>& most, Slot its_slot)
      : live_(live) {
    slot = std::move(its_slot);
    const uint32_t now = ++live_;
    uint32_t seen = most;
    while (now > seen && !most.compare_exchange_weak(seen, now)) {
    }
  }
  ~CountedConnection() override { --live_; }

  int user = -1;  // whose session it is

 private:
  std::atomic<uint32_t>& live_;
};

class BlockingWaiter : public NodePool::Waiter {
 public:
  void OnGranted() override {
    const std::lock_guard lock(mutex_);
    granted_ = true;
    granted_now_.notify_one();  // under the lock: the waiter goes once it is free
  }

  bool Wait() {
    std::unique_lock lock(mutex_);
    return granted_now_.wait_for(lock, kForgotten, [this] { return granted_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable granted_now_;
  bool granted_ = false;
};

class NodePoolThreadsTest : public testing::Test {
 protected:
  static PoolLimits Limits(uint32_t size) {
    PoolLimits limits;
    limits.size = size;
    limits.parked = 3;
    limits.max_snapshot_age = milliseconds(20);
    return limits;
  }

  Moment Now() const { return milliseconds(ticks_.load()); }

  // A connection for one login, or null where the login gave up.
  std::unique_ptr<PooledConnection> Get(bool patient) {
    BlockingWaiter waiter;
    NodePool::Idle evicted;
    if (!pool_.TakeOrWait(waiter, &evicted)) {
      ++waits_;
      evicted = {};
      if (!patient && pool_.Withdraw(waiter)) return nullptr;
      if (!waiter.Wait()) {
        ++forgotten_;
        if (pool_.Withdraw(waiter)) return nullptr;
        waiter.Wait();
      }
      if (!patient) ++crossed_;
    }
    if (waiter.grant.connection) return std::move(waiter.grant.connection);
    return std::make_unique<CountedConnection>(live_, most_, std::move(waiter.grant.slot));
  }

  void LogInAndOut(uint32_t seed) {
    std::minstd_rand random(seed);
    together_.arrive_and_wait();
    for (int round = 0; round < kRounds || (!HaveMet() && round < kRoundsMax); ++round) {
      const auto user = static_cast<size_t>(random() % users_.size());
      auto session = pool_.TakeParked(kMain, users_[user]);
      if (session != nullptr) {
        ++reuses_;
        if (UserOf(*session) != static_cast<int>(user)) ++strangers_;
        if (session->lease.parked()) ++strangers_;
      } else {
        session = std::make_unique<ParkedSession>();
        session->connection = Get(random() % 4 != 0);
        if (session->connection == nullptr) continue;
        session->lease = affinity_.Acquire(kMain, users_[user], NodeId{0});
        if (session->lease.Bind() != Affinity::BindResult::kBound) ++strangers_;
        static_cast<CountedConnection&>(*session->connection).user = static_cast<int>(user);
        session->logged_in = Now();
      }
      ++served_;
      if (random() % 4 == 0) std::this_thread::yield();
      if (random() % 3 != 0) {
        static_cast<void>(pool_.Park(kMain, users_[user], std::move(session), Now()));
      }
    }
  }

  bool HaveMet() const { return waits_ > 100 && crossed_ > 0 && reuses_ > 100; }

  static int UserOf(const ParkedSession& session) {
    return static_cast<const CountedConnection&>(*session.connection).user;
  }

  void Keep(const std::atomic<bool>& stop) {
    together_.arrive_and_wait();
    for (uint32_t round = 0; !stop; ++round) {
      ++ticks_;
      if (auto slot = pool_.SlotForWarm()) {
        static_cast<void>(
            pool_.AddWarm(std::make_unique<CountedConnection>(live_, most_, std::move(*slot)),
                          Now() + milliseconds(round % 10)));
      }
      static_cast<void>(pool_.TakeExpired(Now()));
      static_cast<void>(pool_.TakeDemand());
      if (round % 8 == 0) pool_.SetLimits(Limits(round % 16 == 0 ? kSize : kSize / 2));
      if (round % 32 == 0) pool_.SetOpen(round % 64 == 0);
      if (round % 64 == 0) static_cast<void>(pool_.TakeAllIdle());
      static_cast<void>(pool_.TakeSurplusWarm(1));
      std::this_thread::yield();
    }
  }

  const std::vector<CanonicalUser> users_ = {UserNamed("a"), UserNamed("b"), UserNamed("c"),
                                             UserNamed("d"), UserNamed("e")};
  std::latch together_{kThreads + 1};
  std::atomic<int64_t> ticks_ = 0;
  std::atomic<uint32_t> live_ = 0;
  std::atomic<uint32_t> most_ = 0;
  std::atomic<int> waits_ = 0;
  std::atomic<int> crossed_ = 0;  // grants that crossed a withdrawal
  std::atomic<int> reuses_ = 0;
  std::atomic<int> served_ = 0;
  std::atomic<int> strangers_ = 0;
  std::atomic<int> forgotten_ = 0;
  Affinity affinity_;
  NodePool pool_{Limits(kSize)};
};

TEST_F(NodePoolThreadsTest, NeverMoreThanSizeAndNobodyIsForgotten) {
  std::atomic<int> demands = 0;
  pool_.set_on_demand([&] { ++demands; });
  std::atomic<bool> stop = false;
  std::thread keeper([&] { Keep(stop); });
  std::vector<std::thread> logins;
  for (uint32_t i = 0; i < kThreads; ++i) logins.emplace_back([this, i] { LogInAndOut(i + 1); });
  for (std::thread& thread : logins) thread.join();
  stop = true;
  keeper.join();
  pool_.set_on_demand({});
  static_cast<void>(pool_.TakeAllIdle());

  EXPECT_LE(most_, kSize);
  EXPECT_EQ(forgotten_, 0);
  EXPECT_EQ(strangers_, 0);
  EXPECT_EQ(live_, 0u);
  EXPECT_EQ(affinity_.Users(), 0u);
  const NodePool::Counts counts = pool_.counts();
  EXPECT_EQ(counts.in_use + counts.warm + counts.parked + counts.waiting, 0u);
  // The run has met what it is about.
  EXPECT_TRUE(HaveMet()) << waits_ << " waits, " << crossed_ << " grants crossed a withdrawal, "
                         << reuses_ << " reuses";
  EXPECT_GT(served_, kThreads * kRounds / 2);
  EXPECT_GT(demands, 0);
}

}  // namespace
}  // namespace poplar::balancer
