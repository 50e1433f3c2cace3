#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/balancer/pool_doubles.h"

namespace poplar::balancer {

// A pool of two slots, and what one needs to play with it.
class PoolFixture : public testing::Test {
 protected:
  using Kind = NodePool::Grant::Kind;
  using Waiters = std::vector<std::unique_ptr<RecordingWaiter>>;

  static constexpr ClusterId kMain{0};
  static constexpr NodeId kA{1};
  static constexpr Moment kNow = std::chrono::seconds(1000);

  static PoolLimits Limits(uint32_t size) {
    PoolLimits limits;
    limits.size = size;
    return limits;
  }

  // Takes the slot of a login that needn't wait.
  Slot TakeSlot() {
    RecordingWaiter waiter(pool_, "at once", told_);
    NodePool::Idle evicted;
    EXPECT_TRUE(pool_.TakeOrWait(waiter, &evicted));
    EXPECT_EQ(waiter.grant.kind, Kind::kSlot);
    return std::move(waiter.grant.slot);
  }

  std::unique_ptr<NumberedConnection> Open(int number) {
    return std::make_unique<NumberedConnection>(pool_, number, TakeSlot(), &ended_);
  }

  // A login in the queue.
  std::unique_ptr<RecordingWaiter> Wait(const std::string& name,
                                        NodePool::Idle* evicted = nullptr) {
    auto waiter = std::make_unique<RecordingWaiter>(pool_, name, told_);
    NodePool::Idle nothing;
    EXPECT_FALSE(pool_.TakeOrWait(*waiter, evicted == nullptr ? &nothing : evicted));
    EXPECT_EQ(waiter->grant.kind, Kind::kNone);
    if (evicted == nullptr) EXPECT_EQ(nothing.connection, nullptr);
    return waiter;
  }

  // A session of the user that logged in at `logged_in` and has ended.
  std::unique_ptr<ParkedSession> Session(const std::string& user, int number,
                                         Moment logged_in = kNow) {
    auto session = std::make_unique<ParkedSession>();
    session->connection = Open(number);
    session->lease = affinity_.Acquire(kMain, UserNamed(user), kA);
    EXPECT_EQ(session->lease.Bind(), Affinity::BindResult::kBound);
    EXPECT_TRUE(session->lease.Accept(session->digest, 0));
    session->logged_in = logged_in;
    return session;
  }

  std::vector<NodePool::Idle> Park(const std::string& user, int number, Moment logged_in = kNow,
                                   Moment now = kNow) {
    return pool_.Park(kMain, UserNamed(user), Session(user, number, logged_in), now);
  }

  std::unique_ptr<PooledConnection> AddWarm(int number,
                                            Moment expires = kNow + std::chrono::seconds(50)) {
    std::optional<Slot> slot = pool_.SlotForWarm();
    EXPECT_TRUE(slot.has_value());
    if (!slot) return nullptr;
    return pool_.AddWarm(
        std::make_unique<NumberedConnection>(pool_, number, std::move(*slot), &ended_), expires);
  }

  Affinity affinity_;
  std::vector<std::string> told_;  // waiters by name, in the order they were told
  std::vector<int> ended_;         // connections by number, in the order they were destroyed
  NodePool pool_{Limits(2)};
};

}  // namespace poplar::balancer
