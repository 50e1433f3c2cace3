#include "proxy/upstream/keeper.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/proxy/upstream/keeper_bench.h"

namespace poplar::upstream {
namespace {

using balancer::AdminState;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = KeeperBench::Kind;
using Then = ScriptedNode::Answer::Then;

// Warm ones are renewed a sweep later than they expire, at most.
constexpr io::Duration kSweepMost = Keeper::kTick + Keeper::kTick / 5 + 2 * io::TimerWheel::kStep;

// --- DESIGN section 4, warm connections

TEST(WarmTest, ConnectedAndGreetedButNotLoggedIn) {
  KeeperBench bench;
  bench.StartServing();
  bench.Demand(1);
  bench.WaitForWarm(1);
  EXPECT_EQ(bench.script.received(), "");
  EXPECT_EQ(bench.recorder.opened, std::vector{NodeFailure::kNone});
  Login login;
  ASSERT_EQ(bench.Take(login), Kind::kWarm);
  EXPECT_TRUE(login.connection().Quiet());
  const StageDurations& took = login.connection().durations();
  EXPECT_GT(took.connect.count(), 0);
  EXPECT_EQ(bench.recorder.opening_took, std::vector{took.connect + took.greeting});
  KeeperBench::Give(login);
}

TEST(WarmTest, NoMoreThanTheLimitAndNoneWhereItIsZero) {
  for (const uint32_t warm : {0u, 2u}) {
    KeeperBench bench({.pool = {.warm = warm}});
    bench.Start();
    for (int i = 0; i < 20; ++i) {
      bench.Demand(10);
      bench.RunFor(milliseconds(300));
      EXPECT_LE(bench.pool().counts().warm, warm);
    }
    EXPECT_EQ(bench.pool().counts().warm, warm);
  }
}

TEST(WarmTest, TakesNoSlotThatThereIsNot) {
  KeeperBench bench({.pool = {.size = 3, .warm = 8}});
  Login sessions[2];
  for (Login& session : sessions) EXPECT_EQ(bench.Take(session), Kind::kSlot);
  bench.StartServing();
  bench.Demand(8);
  bench.RunFor(seconds(3));
  EXPECT_EQ(bench.pool().counts().warm, 1u);
  EXPECT_EQ(bench.pool().counts().in_use, 3u);
  for (Login& session : sessions) KeeperBench::Give(session);
}

// "bounded": the node greets nobody, so that whatever is opened stays under way.
TEST(WarmTest, SimultaneousConnectsAreBounded) {
  KeeperBench bench({.pool = {.warm = 16}});
  bench.script.set_greeting({""});
  bench.StartServing();
  bench.Demand(16);
  bench.RunFor(seconds(3));
  EXPECT_EQ(bench.script.connections().size(), size_t{Keeper::kOpeningMax});
  EXPECT_EQ(bench.pool().counts().in_use, uint32_t{Keeper::kOpeningMax});
}

TEST(WarmTest, SimultaneousConnectsAreBoundedWhileFilling) {
  KeeperBench bench({.pool = {.warm = 16}});
  bench.StartServing();
  bench.Demand(16);
  bool bounded = true;
  EXPECT_TRUE(bench.Run([&] {
    const auto counts = bench.pool().counts();
    bounded = bounded && counts.in_use - counts.warm <= uint32_t{Keeper::kOpeningMax};
    return counts.warm == 16;
  }));
  EXPECT_TRUE(bounded);
}

// A busy second after a quiet one must not make all front ends connect at the same instant.
TEST(WarmTest, TheFirstConnectOfANodeInServiceIsJittered) {
  io::Duration least = seconds(100);
  io::Duration most{};
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    KeeperBench bench({.seed = seed});
    const io::Time begun = bench.Now();
    bench.Demand(4);
    bench.Start();
    EXPECT_TRUE(bench.Run([&bench] { return bench.poplar().open_sockets() > 0; }));
    least = std::min(least, bench.Now() - begun);
    most = std::max(most, bench.Now() - begun);
  }
  EXPECT_LT(least, milliseconds(100));
  EXPECT_GT(most, milliseconds(900));
  EXPECT_LT(most, Keeper::kTick + 2 * io::TimerWheel::kStep);
}

TEST(WarmTest, RenewedBeforeTheNodesOwnTimeout) {
  constexpr io::Duration kMaxAge = seconds(10);
  KeeperBench bench({.pool = {.warm = 8, .warm_max_age = kMaxAge}});
  bench.StartServing();
  bench.Demand(8);
  std::map<const DrivenPeer*, io::Time> opened;
  std::vector<io::Duration> lives;
  bench.Run(
      [&] {
        for (const DrivenPeer& peer : bench.script.connections()) {
          const auto found = opened.find(&peer);
          if (found == opened.end()) {
            opened.emplace(&peer, bench.Now());
          } else if (found->second != io::Time{} && !peer.received().empty()) {
            lives.push_back(bench.Now() - std::exchange(found->second, io::Time{}));
          }
        }
        return false;
      },
      seconds(14));
  ASSERT_GE(lives.size(), 8u);
  const auto [least, most] = std::minmax_element(lives.begin(), lives.end());
  EXPECT_GE(*least, kMaxAge - kMaxAge / 5 - milliseconds(1));
  EXPECT_LE(*most, kMaxAge + kSweepMost);
  EXPECT_GT(*most - *least, milliseconds(500));  // not all at once
  // The demand is half forgotten by now, but not quite: fresh ones are there.
  EXPECT_GT(bench.script.connections().size(), 8u);
  EXPECT_GE(bench.pool().counts().warm, 3u);
  EXPECT_EQ(bench.OpenConnections(), bench.pool().counts().warm);
  for (const DrivenPeer& peer : bench.script.connections()) {
    EXPECT_EQ(peer.received(), peer.end() == DrivenPeer::End::kOpen ? "" : "QUIT\r\n");
  }
}

TEST(WarmTest, UnusedOnesEndWithQuit) {
  KeeperBench bench({.pool = {.warm = 4}});
  bench.StartServing();
  bench.Demand(4);
  bench.WaitForWarm(4);
  bench.RunFor(seconds(120));  // demand fades, they expire
  EXPECT_EQ(bench.pool().counts().in_use, 0u);
  EXPECT_EQ(bench.script.connections().size(), 4u);
  bench.ExpectAllEndedWithQuit();
}

TEST(WarmTest, DeadOnUseIsSeen) {
  for (const bool reset : {true, false}) {
    KeeperBench bench({.pool = {.warm = 2}});
    bench.StartServing();
    bench.Demand(2);
    bench.WaitForWarm(2);
    if (reset) {
      bench.script.connections().front().Reset();
    } else {
      bench.script.connections().front().HalfClose();
    }
    bench.RunFor(milliseconds(5));
    Login logins[2];
    for (Login& login : logins) EXPECT_EQ(bench.Take(login), Kind::kWarm);
    EXPECT_NE(logins[0].connection().Quiet(), logins[1].connection().Quiet());
    for (Login& login : logins) KeeperBench::Give(login);
  }
}

// --- the node fails or leaves service

TEST(WarmTest, AFailedConnectIsEvidenceAndWaits) {
  KeeperBench bench(
      {.health = {.consecutive_failures = 5, .panic_percent = 0}, .pool = {.warm = 8}});
  bench.script.set_greeting({"-ERR full\r\n", Then::kClose});
  bench.StartServing();
  bench.Demand(8);
  const io::Time begun = bench.Now();
  ASSERT_TRUE(bench.Run([&bench] { return !bench.recorder.changes.empty(); }, seconds(20)));
  const balancer::Transition& change = bench.recorder.changes.front().transition;
  EXPECT_EQ(change.cause, balancer::TransitionCause::kConsecutiveFailures);
  EXPECT_NE(change.evidence.find("greeting_refused"), std::string::npos) << change.evidence;
  for (const auto& failure : bench.recorder.opened)
    EXPECT_EQ(failure, NodeFailure::kGreetingRefused);
  // Two a tick, so that the fifth comes after two ticks, of which the first had begun.
  EXPECT_GE(bench.recorder.changes.front().at - begun, milliseconds(800));
  bench.RunFor(seconds(20));  // ejected for 30 s
  EXPECT_EQ(bench.script.connections().size(), 6u);
}

// Seen where both lines come in one read: in most worlds.
TEST(WarmTest, MoreThanAGreetingIsNotKept) {
  int seen = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    KeeperBench bench({.pool = {.warm = 1}, .seed = seed});
    bench.script.set_greeting({"+OK one\r\n+OK two\r\n"});
    bench.StartServing();
    bench.Demand(1);
    bench.RunFor(seconds(5));
    EXPECT_LE(bench.recorder.opened.size(), 7u);  // one a tick
    if (bench.recorder.opened.front() == NodeFailure::kNone) continue;
    ++seen;
    EXPECT_EQ(bench.recorder.opened.front(), NodeFailure::kGreetingGarbage);
  }
  EXPECT_GT(seen, 10);
}

TEST(WarmTest, EndWithQuitWhenTheNodeDrainsAndComeBack) {
  KeeperBench bench({.pool = {.warm = 4}});
  bench.StartServing();
  bench.Demand(4);
  bench.WaitForWarm(4);
  bench.cluster.health.SetAdmin(NodeBench::kNode, AdminState::kDrain, bench.Moment());
  bench.WaitForWarm(0);
  bench.RunFor(milliseconds(20));
  bench.ExpectAllEndedWithQuit();
  EXPECT_EQ(bench.pool().counts().in_use, 0u);
  bench.Demand(4);
  bench.RunFor(seconds(5));
  EXPECT_EQ(bench.script.connections().size(), 4u);  // none while it drains

  bench.cluster.health.SetAdmin(NodeBench::kNode, AdminState::kUp, bench.Moment());
  bench.Demand(4);
  bench.WaitForWarm(4);
}

TEST(WarmTest, EndWhenTheNodeIsEjected) {
  KeeperBench bench(
      {.health = {.consecutive_failures = 1, .ejection_time = seconds(5), .panic_percent = 0},
       .pool = {.warm = 2}});
  bench.StartServing();
  bench.Demand(2);
  bench.WaitForWarm(2);
  ASSERT_TRUE(bench.cluster.health.OnEvidence(NodeBench::kNode, balancer::Evidence::kLoginFailed,
                                              "test", bench.Moment()));
  bench.WaitForWarm(0);
  bench.RunFor(milliseconds(20));
  bench.ExpectAllEndedWithQuit();
  // Time passes for the node: the keeper tells of its return.
  ASSERT_TRUE(bench.Run([&bench] { return !bench.recorder.changes.empty(); }, seconds(10)));
  EXPECT_EQ(bench.recorder.changes.front().transition.cause,
            balancer::TransitionCause::kEjectionEnded);
}

TEST(WarmTest, OutOfDescriptorsIsNoEvidence) {
  KeeperBench bench({.health = {.consecutive_failures = 1}});
  bench.poplar().Kill();  // opens no socket any more
  bench.StartServing();
  bench.Demand(2);
  bench.RunFor(seconds(3));
  EXPECT_GE(bench.recorder.opened.size(), 2u);
  EXPECT_LE(bench.recorder.opened.size(), 8u);
  EXPECT_TRUE(bench.recorder.changes.empty());
}

// --- DESIGN section 4, parked sessions

const balancer::CanonicalUser kAlice = *balancer::CanonicalUser::FromLogin("alice", {});

TEST(ParkedTest, EndsWithARealQuitWhenItExpires) {
  KeeperBench bench({.pool = {.max_snapshot_age = seconds(5)}});
  bench.StartServing();
  bench.Demand(1);
  bench.WaitForWarm(1);
  Login login;
  ASSERT_EQ(bench.Take(login), Kind::kWarm);
  EXPECT_TRUE(bench.Park(kAlice, login).empty());
  const DrivenPeer& peer = bench.script.connections().front();
  bench.RunFor(milliseconds(4900));
  EXPECT_EQ(peer.received(), "");
  ASSERT_TRUE(bench.Run([&peer] { return peer.received().ends_with('\n'); },
                        kSweepMost + milliseconds(100)));
  EXPECT_EQ(peer.received(), "QUIT\r\n");
  // The user belongs to the node until it has said goodbye.
  EXPECT_EQ(bench.affinity.LeasesOf(balancer::ClusterId{1}, kAlice), 1u);
  EXPECT_TRUE(
      bench.Run([&bench] { return bench.affinity.LeasesOf(balancer::ClusterId{1}, kAlice) == 0; }));
  bench.RunFor(milliseconds(1));
  EXPECT_EQ(peer.end(), DrivenPeer::End::kOrderly);
  EXPECT_EQ(bench.recorder.parked_ends, std::vector{ParkedEnd::kExpired});
}

TEST(ParkedTest, EndsWithARealQuitWhenTheNodeDrainsOrWeStop) {
  for (const bool stop : {true, false}) {
    KeeperBench bench;
    bench.StartServing();
    bench.Demand(1);
    bench.WaitForWarm(1);
    Login login;
    ASSERT_EQ(bench.Take(login), Kind::kWarm);
    EXPECT_TRUE(bench.Park(kAlice, login).empty());
    if (stop) {
      bench.Stop();
    } else {
      bench.cluster.health.SetAdmin(NodeBench::kNode, AdminState::kDrain, bench.Moment());
      bench.RunFor(kSweepMost + milliseconds(20));
    }
    EXPECT_EQ(bench.script.connections().front().received(), "QUIT\r\n");
    EXPECT_EQ(bench.recorder.parked_ends, std::vector{ParkedEnd::kDrained});
    EXPECT_EQ(bench.affinity.Users(), 0u);
    EXPECT_EQ(bench.pool().counts().in_use, 0u);
  }
}

// A node that doesn't answer the QUIT holds its slot and its user no longer than that patience.
TEST(ParkedTest, RetiredInTheBackgroundConnectionFirstThenLease) {
  KeeperBench bench;
  bench.StartServing();
  bench.Demand(1);
  bench.WaitForWarm(1);
  Login login;
  ASSERT_EQ(bench.Take(login), Kind::kWarm);
  bench.script.set_answer("QUIT", {""});
  bench.pool().SetOpen(false);
  std::vector<balancer::NodePool::Idle> ended = bench.Park(kAlice, login);
  ASSERT_EQ(ended.size(), 1u);
  RetireInBackground(bench.poplar(), bench.scope(), std::move(ended.front()));
  RetireInBackground(bench.poplar(), bench.scope(), {});
  bool lease_outlived = true;
  const io::Time begun = bench.Now();
  EXPECT_TRUE(bench.Run([&] {
    const bool connected = bench.OpenConnections() > 0 && bench.pool().counts().in_use > 0;
    const bool held = bench.affinity.Users() > 0;
    lease_outlived = lease_outlived && (held || !connected);
    return !held;
  }));
  EXPECT_TRUE(lease_outlived);
  EXPECT_GE(bench.Now() - begun, seconds(2));
  EXPECT_LT(bench.Now() - begun, milliseconds(2100));
}

// --- Stop

TEST(KeeperTest, StopsWithAQuitForEverything) {
  KeeperBench bench({.pool = {.warm = 8}});
  bench.StartServing();
  bench.Demand(8);
  bench.WaitForWarm(8);
  EXPECT_LT(bench.Stop(), milliseconds(20));
  bench.RunFor(milliseconds(1));
  bench.ExpectAllEndedWithQuit();
  EXPECT_EQ(bench.pool().counts().in_use, 0u);
  // Closed: whatever comes later goes nowhere, and nobody is told of demand any more.
  bench.Demand(2);
  bench.RunFor(seconds(2));
  EXPECT_EQ(bench.script.connections().size(), 8u);
}

TEST(KeeperTest, StopsBeforeItBegins) {
  KeeperBench bench;
  bench.Start();
  EXPECT_LT(bench.Stop(), milliseconds(1));
}

TEST(KeeperTest, ANodeThatSaysNoGoodbyeHoldsTheStopForItsPatience) {
  KeeperBench bench({.pool = {.warm = 2}});
  bench.script.set_answer("QUIT", {""});
  bench.StartServing();
  bench.Demand(2);
  bench.WaitForWarm(2);
  const io::Duration took = bench.Stop();
  EXPECT_GE(took, seconds(2));
  EXPECT_LT(took, milliseconds(2100));
}

// At every instant of opening and filling (latencies are up to 200 us).
TEST(KeeperTest, StopsAnywhere) {
  for (int step = 0; step < 60; ++step) {
    KeeperBench bench({.pool = {.warm = 4}});
    bench.StartServing();
    bench.Demand(4);
    ASSERT_TRUE(bench.Run([&bench] { return bench.poplar().open_sockets() > 0; }));
    bench.RunFor(std::chrono::microseconds(50 * step));
    EXPECT_LT(bench.Stop(), milliseconds(20));
    EXPECT_EQ(bench.pool().counts().in_use, 0u);
    EXPECT_TRUE(bench.recorder.changes.empty());
    for (const auto& failure : bench.recorder.opened) EXPECT_EQ(failure, NodeFailure::kNone);
    bench.RunFor(milliseconds(1));
    bench.ExpectAllEndedWithQuit();
  }
}

TEST(KeeperTest, StopsInTheMiddleOfAGreetingThatNeverComes) {
  KeeperBench bench;
  bench.script.set_greeting({""});
  bench.StartServing();
  bench.Demand(1);
  ASSERT_TRUE(bench.Run([&bench] { return bench.OpenConnections() > 0; }));
  const io::Duration took = bench.Stop();
  EXPECT_GE(took, Keeper::kStopPatience);
  EXPECT_LT(took, Keeper::kStopPatience + milliseconds(100));
  EXPECT_EQ(bench.script.received(), "");
  EXPECT_EQ(bench.pool().counts().in_use, 0u);
  EXPECT_TRUE(bench.recorder.opened.empty());
}

TEST(KeeperTest, ACallOfThePoolThatArrivesTooLateFindsNobody) {
  KeeperBench bench;
  bench.Start();
  bench.RunFor(seconds(2));
  bench.Demand(1);  // posts to the keeper's thread, which hasn't run since
  bench.Stop();
  bench.RunFor(seconds(2));
  EXPECT_FALSE(bench.running());
}

// --- seats

TEST(KeeperTest, KeepsNothingForAVacantSeatAndDrainsOneThatIsLeft) {
  KeeperBench bench({.seat = balancer::Seating::State::kVacant});
  bench.StartServing();
  bench.Demand(3);
  bench.RunFor(seconds(5));
  EXPECT_TRUE(bench.script.connections().empty());
  bench.cluster.health.Arrive(NodeBench::kNode, 100, false, "here", bench.Moment());
  bench.RunFor(seconds(3));
  bench.Demand(1);
  bench.WaitForWarm(1);
  bench.cluster.health.Leave(NodeBench::kNode, "gone");
  EXPECT_TRUE(bench.Run([&] { return bench.OpenConnections() == 0; }, seconds(5)));
  EXPECT_EQ(bench.Dialogues().back(), "QUIT\r\n");
}

// Its seat is given to another node as soon as nothing holds a slot of it.
TEST(KeeperTest, OpensNothingToANodeThatHasJustLeft) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    KeeperBench bench({.pool = {.warm = 4}, .seed = seed});
    bench.StartServing();
    bench.RunFor(seconds(3));
    bench.cluster.health.Leave(NodeBench::kNode, "gone");
    bench.Demand(4);
    bench.RunFor(seconds(3));
    EXPECT_TRUE(bench.script.connections().empty());
  }
}

TEST(KeeperTest, EndsWhatLeadsToWhereTheNodeWas) {
  KeeperBench bench;
  bench.StartServing();
  bench.Demand(1);
  bench.WaitForWarm(1);
  bench.node().set_endpoint(std::make_shared<Endpoint>(*bench.node().endpoint()));
  EXPECT_TRUE(bench.Run([&] { return bench.Dialogues()[0] == "QUIT\r\n"; }, kSweepMost));
  bench.WaitForWarm(1);  // to where it is now
  EXPECT_EQ(bench.script.connections().size(), 2u);
}

}  // namespace
}  // namespace poplar::upstream
