// A node's slots and the queue for them (DESIGN section 4, "slots").
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using PeerEnd = upstream::DrivenPeer::End;

const std::string kTemporary(pop3::kReplyTemporary);
const std::string kAccepted(pop3::kReplyUserAccepted);
constexpr char kLoggedIn[] = "+OK Logged in.\r\n";
constexpr char kBye[] = "+OK bye\r\n";

SessionBench::Options Slots(uint32_t size, seconds parking = seconds(0)) {
  return {.pool = {.size = size, .warm = 0, .max_snapshot_age = parking}};
}

class SlotsTest : public testing::Test {
 protected:
  // Alice has the only slot.
  void SetUp() override {
    alice_ = &bench_.Connect();
    ASSERT_EQ(bench_.LogIn(*alice_, "alice"), kLoggedIn);
  }

  upstream::DrivenPeer& Wait(std::string_view user) {
    upstream::DrivenPeer& client = bench_.Connect();
    EXPECT_EQ(bench_.LogIn(client, user), "");
    return client;
  }
  uint32_t waiting() { return bench_.pool_of(0).pool.counts().waiting; }

  SessionBench bench_{Slots(1)};
  upstream::DrivenPeer* alice_ = nullptr;
};

TEST_F(SlotsTest, AreNeverExceededAndWaitersAreServedInOrder) {
  std::vector<upstream::DrivenPeer*> queue;
  for (const char* user : {"bob", "carol", "dave", "erin"}) queue.push_back(&Wait(user));
  EXPECT_EQ(waiting(), 4u);
  EXPECT_EQ(bench_.node(0).connections().size(), 1u);
  upstream::DrivenPeer* served = alice_;
  for (size_t next = 0; next < queue.size(); ++next) {
    bench_.Ask(*served, "QUIT\r\n");
    for (size_t i = 0; i < queue.size(); ++i) {
      EXPECT_EQ(queue[i]->received(), i == next ? kLoggedIn : "") << i << " " << next;
    }
    EXPECT_EQ(bench_.OpenAtNode(0), 1u);
    served = queue[next];
    served->Forget();
  }
  bench_.Settle(seconds(2));
  ASSERT_EQ(bench_.log.records.size(), 4u);  // erin still reads her mail
  const Record& record = bench_.log.records.back();
  ASSERT_TRUE(record.queued.has_value());
  EXPECT_GT(*record.queued, milliseconds(200));
  EXPECT_FALSE(bench_.log.records.front().queued.has_value());
  EXPECT_THAT(bench_.meter.pool, Contains("queue 0 granted").Times(4));
}

// "at most pool.wait_timeout; then the client gets -ERR [SYS/TEMP]"
TEST_F(SlotsTest, AfterTheWaitTimeoutTheClientIsTold) {
  upstream::DrivenPeer& bob = Wait("bob");
  bench_.Settle(milliseconds(14'500));
  EXPECT_EQ(bob.received(), "");
  bench_.Settle(seconds(1));
  EXPECT_EQ(bob.received(), kTemporary);
  EXPECT_EQ(bob.end(), PeerEnd::kOpen);
  EXPECT_EQ(waiting(), 0u);
  EXPECT_THAT(bench_.meter.pool, Contains("queue 0 timeout"));
  EXPECT_THAT(bench_.meter.calls, Contains("login unavailable"));
  // That all connections are in use says nothing against the node.
  EXPECT_TRUE(bench_.observer.transitions.empty());
  bob.Forget();

  bench_.Ask(*alice_, "QUIT\r\n");
  EXPECT_EQ(bench_.LogIn(bob, "bob"), kLoggedIn);
  bench_.Ask(bob, "QUIT\r\n");
  bench_.RunToEnd();
}

// A hung node keeps its slots, and whoever waits for one need not wait for them.
TEST(SlotsAndHealthTest, AWaiterLeavesTheQueueOfANodeThatGoesOut) {
  SessionBench::Options options = Slots(1);
  options.nodes = 2;
  options.shared_storage = true;
  options.health.ejection_time = options.health.ejection_time_max = minutes(1);
  SessionBench bench(options);
  const size_t first = bench.Preferred("alice").front();
  std::string neighbour;
  for (int i = 0; neighbour.empty(); ++i) {
    const std::string user = "user" + std::to_string(i);
    if (bench.Preferred(user).front() == first) neighbour = user;
  }
  ASSERT_EQ(bench.LogIn(bench.Connect(), neighbour), kLoggedIn);
  upstream::DrivenPeer& waiter = bench.Connect();
  EXPECT_EQ(bench.LogIn(waiter, "alice"), "");
  EXPECT_EQ(bench.pool_of(first).pool.counts().waiting, 1u);
  ASSERT_TRUE(bench.cluster().health.OnEvidence(static_cast<balancer::NodeId>(first),
                                                balancer::Evidence::kUnreachable, "refused",
                                                bench.Now().time_since_epoch()));
  bench.Settle(seconds(1));
  EXPECT_EQ(bench.pool_of(first).pool.counts().waiting, 0u);
  EXPECT_EQ(waiter.received(), kLoggedIn);
  EXPECT_EQ(bench.node(1 - first).connections().size(), 1u);
  EXPECT_THAT(bench.meter.pool, Contains("queue " + std::to_string(first) + " node_out"));
}

TEST_F(SlotsTest, TheLogSaysThatItWasThePool) {
  upstream::DrivenPeer& bob = Wait("bob");
  bench_.Settle(seconds(16));
  bob.HalfClose();
  bench_.Settle(seconds(2));
  ASSERT_EQ(bench_.log.records.size(), 1u);
  const Record& record = bench_.log.records.back();
  EXPECT_THAT(std::string(record.failure), HasSubstr("pool_timeout"));
  EXPECT_EQ(record.reason, EndReason::kNodeUnavailable);
  ASSERT_TRUE(record.queued.has_value());
  EXPECT_GE(*record.queued, seconds(15));
  EXPECT_LE(*record.queued, milliseconds(15'100));
}

TEST_F(SlotsTest, AWaiterWhoseClientLeavesIsRemovedAndTheNextIsServed) {
  for (const bool reset : {true, false}) {
    SCOPED_TRACE(reset);
    upstream::DrivenPeer& bob = Wait("bob");
    upstream::DrivenPeer& carol = Wait("carol");
    ASSERT_EQ(waiting(), 2u);
    const size_t ended = bench_.log.records.size();
    if (reset) {
      bob.Reset();
    } else {
      bob.HalfClose();
    }
    bench_.Settle();
    EXPECT_EQ(waiting(), 1u);
    ASSERT_EQ(bench_.log.records.size(), ended + 1);
    EXPECT_EQ(bench_.log.records.back().reason,
              reset ? EndReason::kClientReset : EndReason::kClientEof);
    EXPECT_EQ(bench_.log.records.back().user, "bob");
    EXPECT_THAT(bench_.meter.calls, Contains("login abandoned"));
    EXPECT_THAT(bench_.meter.pool, Contains("queue 0 client_left"));

    bench_.Ask(*alice_, "QUIT\r\n");
    EXPECT_EQ(carol.received(), kLoggedIn);
    bench_.Ask(carol, "QUIT\r\n");
    EXPECT_THAT(bench_.node(0).received(), Not(HasSubstr("bob")));
    alice_ = &bench_.Connect();
    EXPECT_EQ(bench_.LogIn(*alice_), kLoggedIn);
  }
}

// --- what the client sends meanwhile

TEST_F(SlotsTest, CommandsSentAheadAreKept) {
  bench_.node(0).set_answer("STAT", {"+OK 1 1\r\n"});
  upstream::DrivenPeer& together = bench_.Connect();
  EXPECT_EQ(bench_.Ask(together, "USER bob\r\nPASS x\r\nSTAT\r\nQUIT\r\n"), kAccepted);
  upstream::DrivenPeer& later = Wait("carol");
  for (const char c : std::string("STAT\r\nQUIT\r\n")) {
    later.Send(std::string(1, c));
    bench_.Settle(milliseconds(50));
  }
  EXPECT_EQ(later.received(), "");
  bench_.Ask(*alice_, "QUIT\r\n");
  bench_.Settle(seconds(5));
  const std::string answers = std::string(kLoggedIn) + "+OK 1 1\r\n" + kBye;
  EXPECT_EQ(together.received(), answers);
  EXPECT_EQ(later.received(), answers);
  bench_.RunToEnd();
  for (const Record& record : bench_.log.records) {
    EXPECT_EQ(record.reason, EndReason::kQuit);
    if (record.user != "carol") continue;
    // What came during the wait counts as well.
    EXPECT_EQ(record.bytes_from_client,
              std::string("USER carol\r\nPASS secret\r\nSTAT\r\nQUIT\r\n").size());
  }
}

TEST_F(SlotsTest, AClientThatHalfClosedWithCommandsSentAheadGetsItsAnswers) {
  bench_.node(0).set_answer("STAT", {"+OK 1 1\r\n"});
  upstream::DrivenPeer& bob = bench_.Connect();
  bob.Send("USER bob\r\nPASS x\r\nSTAT\r\nQUIT\r\n");
  bob.HalfClose();
  bench_.Settle(seconds(5));
  EXPECT_EQ(waiting(), 1u);
  bench_.Ask(*alice_, "QUIT\r\n");
  EXPECT_EQ(bob.received(), kAccepted + kLoggedIn + "+OK 1 1\r\n" + kBye);
}

TEST_F(SlotsTest, WaitersHoldNoBuffer) {
  const size_t before = bench_.poplar().buffers().in_use();
  Wait("bob");
  upstream::DrivenPeer& carol = bench_.Connect();
  bench_.Ask(carol, "USER carol\r\nPASS x\r\nSTAT\r\nSTAT\r\n");
  EXPECT_EQ(waiting(), 2u);
  EXPECT_EQ(bench_.poplar().buffers().in_use(), before);
}

// --- parked sessions give way

TEST(SessionSlotsTest, AParkedSessionGivesWayToAWaitingLogin) {
  SessionBench bench(Slots(1, seconds(30)));
  upstream::DrivenPeer& alice = bench.Connect();
  bench.LogIn(alice, "alice");
  EXPECT_EQ(bench.Ask(alice, "QUIT\r\n"), pop3::kReplyQuit);
  ASSERT_EQ(bench.pool_of(0).pool.counts().parked, 1u);

  bench.node(0).set_answer("QUIT", {""});
  upstream::DrivenPeer& bob = bench.Connect();
  EXPECT_EQ(bench.LogIn(bob, "bob"), "");
  // First the QUIT and the node's end, then the slot is free.
  EXPECT_EQ(bench.node(0).received(), "USER alice\r\nPASS secret\r\nQUIT\r\n");
  bench.node(0).last().HalfClose();
  bench.Settle();
  EXPECT_EQ(bob.received(), kLoggedIn);
  EXPECT_EQ(bench.node(0).connections().size(), 2u);
}

TEST(SessionSlotsTest, ANodeThatNeverSaysGoodbyeHoldsTheSlotForTwoSeconds) {
  SessionBench bench(Slots(1, seconds(30)));
  upstream::DrivenPeer& alice = bench.Connect();
  bench.LogIn(alice, "alice");
  bench.Ask(alice, "QUIT\r\n");
  bench.node(0).set_answer("QUIT", {""});
  upstream::DrivenPeer& bob = bench.Connect();
  bench.LogIn(bob, "bob");
  bench.Settle(milliseconds(2200));
  EXPECT_EQ(bob.received(), kLoggedIn);
}

TEST(SessionSlotsTest, NobodyIsParkedWhileALoginWaits) {
  SessionBench bench(Slots(1, seconds(30)));
  upstream::DrivenPeer& alice = bench.Connect();
  bench.LogIn(alice, "alice");
  upstream::DrivenPeer& bob = bench.Connect();
  EXPECT_EQ(bench.LogIn(bob, "bob"), "");
  EXPECT_EQ(bench.Ask(alice, "QUIT\r\n"), pop3::kReplyQuit);
  EXPECT_EQ(bob.received(), kLoggedIn);
  EXPECT_TRUE(bench.node(0).connections()[0].received().ends_with("PASS secret\r\nQUIT\r\n"));
  EXPECT_THAT(bench.meter.pool, Contains("park 0 refused"));
}

// --- the end of Poplar

TEST_F(SlotsTest, DrainEndsTheWait) {
  upstream::DrivenPeer& bob = Wait("bob");
  upstream::DrivenPeer& carol = bench_.Connect();
  bench_.Ask(carol, "USER carol\r\nPASS x\r\nSTAT\r\n");
  ASSERT_EQ(waiting(), 2u);
  bench_.DrainAll();
  bench_.RunToEnd();
  EXPECT_EQ(waiting(), 0u);
  EXPECT_EQ(bob.received(), kTemporary + std::string(pop3::kReplyDraining));
  EXPECT_THAT(carol.received(), testing::StartsWith(kTemporary));
  EXPECT_EQ(bob.end(), PeerEnd::kOrderly);
  EXPECT_THAT(bench_.node(0).received(), Not(HasSubstr("bob")));
  EXPECT_THAT(bench_.meter.pool, Contains("queue 0 ended").Times(2));
}

TEST_F(SlotsTest, AbortEndsTheWaitWithoutAWord) {
  upstream::DrivenPeer& bob = Wait("bob");
  bench_.AbortAll();
  EXPECT_EQ(bench_.RunToEnd(milliseconds(500)).reason, EndReason::kShutdown);
  EXPECT_EQ(bob.received(), "");
  EXPECT_NE(bob.end(), PeerEnd::kOpen);
  EXPECT_EQ(bench_.pool_of(0).pool.counts().in_use, 0u);
}

// Grants, leavings and ends meet at every instant: nothing leaks (the pool asserts it), nobody is
// left behind, and the node never sees more connections at once than there are slots.
TEST(SessionSlotsTest, WhateverMeetsAtAnInstant) {
  int served = 0;
  for (uint64_t step = 0; step < 120; ++step) {
    SCOPED_TRACE(step);
    SessionBench::Options options = Slots(1, seconds(step % 3 == 0 ? 30 : 0));
    options.seed = step + 1;
    options.faults.cancel_delay_max = microseconds(200);
    SessionBench bench(options);
    upstream::DrivenPeer& alice = bench.Connect();
    bench.LogIn(alice);
    std::vector<upstream::DrivenPeer*> clients;
    for (const char* user : {"bob", "carol", "dave"}) {
      clients.push_back(&bench.Connect());
      bench.LogIn(*clients.back(), user);
    }
    alice.Send("QUIT\r\n");
    bench.Settle(microseconds(step * 8));
    if (step % 4 == 0) bench.DrainAll();
    if (step % 4 == 1) bench.AbortAll();
    if (step % 4 >= 2) clients[0]->Reset();
    for (int i = 0; i < 2000; ++i) {
      bench.Settle(microseconds(100));
      // A close is on its way to the node while the next connection's SYN is too.
      ASSERT_LE(bench.pool_of(0).pool.counts().in_use, 1u);
    }
    if (step % 4 >= 2) {
      // Whoever was next has it.
      EXPECT_EQ(clients[1]->received(), kLoggedIn);
      EXPECT_EQ(clients[2]->received(), "");
      ++served;
    } else {
      bench.RunToEnd();
      EXPECT_EQ(bench.pool_of(0).pool.counts().waiting, 0u);
    }
  }
  EXPECT_GT(served, 0);
}

}  // namespace
}  // namespace poplar::session
