// What sessions tell health, and what health tells logins (DESIGN section 5).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Then = upstream::ScriptedNode::Answer::Then;
using PeerEnd = upstream::DrivenPeer::End;

const std::string kTemporary(pop3::kReplyTemporary);
constexpr char kLoggedIn[] = "+OK Logged in.\r\n";
const std::string kDialogue = "USER alice\r\nPASS secret\r\n";

balancer::HealthRules Strikes(uint32_t count) {
  balancer::HealthRules rules = SessionBench::OneStrike();
  rules.consecutive_failures = count;
  rules.ejection_time = rules.ejection_time_max = minutes(1);
  return rules;
}

// --- passive evidence

struct EvidenceCase {
  const char* name;
  const char* at;  // greeting, a command before or after the login, or the network's "connect"
  upstream::ScriptedNode::Answer answer;
  const char* evidence;  // empty: none
};

class EvidenceTest : public testing::TestWithParam<EvidenceCase> {
 protected:
  static void Arm(SessionBench& bench) {
    const std::string at = GetParam().at;
    if (at == "refused") {
      bench.node(0).StopListening();
    } else if (at == "vanished") {
      bench.network().Vanish(bench.node(0).address());
    } else if (at == "greeting") {
      bench.node(0).set_greeting(GetParam().answer);
    } else {
      bench.node(0).set_answer(at, GetParam().answer);
    }
  }
  // One user's broken mailbox is no broken node: it takes three, and side by side, since a login
  // that goes well ends the row.
  static void Sessions(SessionBench& bench) {
    std::vector<upstream::DrivenPeer*> clients;
    const auto all_send = [&](const std::string& bytes) {
      for (upstream::DrivenPeer* client : clients) client->Send(bytes);
      bench.Settle(seconds(16));
    };
    for (const char* user : {"alice", "bob", "carol"}) {
      clients.push_back(&bench.Connect());
      clients.back()->Send("USER " + std::string(user) + "\r\nPASS secret\r\n");
    }
    bench.Settle(seconds(16));
    all_send("STAT\r\n");
    all_send("QUIT\r\n");
    for (upstream::DrivenPeer* client : clients) client->HalfClose();
    bench.RunToEnd(seconds(20));
  }
};

TEST_P(EvidenceTest, CountsAgainstTheNodeOrDoesNot) {
  SessionBench bench({.health = Strikes(1)});
  Arm(bench);
  Sessions(bench);
  const std::string evidence = GetParam().evidence;
  if (evidence.empty()) {
    EXPECT_THAT(bench.observer.transitions, IsEmpty());
    return;
  }
  ASSERT_EQ(bench.observer.transitions.size(), 1u);
  const balancer::Transition& transition = bench.observer.transitions.front();
  EXPECT_EQ(transition.cause, balancer::TransitionCause::kConsecutiveFailures);
  EXPECT_EQ(transition.to, balancer::NodeState::kEjected);
  EXPECT_EQ(transition.node, bench.pool_of(0).id);
  EXPECT_THAT(transition.evidence, HasSubstr(evidence));
}

INSTANTIATE_TEST_SUITE_P(
    Table, EvidenceTest,
    testing::Values(
        EvidenceCase{"Refused", "refused", {}, "connect_refused"},
        EvidenceCase{"Vanished", "vanished", {}, "connect_timeout"},
        EvidenceCase{"GreetingRefused", "greeting", {"-ERR full\r\n"}, "greeting_refused"},
        EvidenceCase{"GreetingGarbage", "greeting", {"220 hi\r\n"}, "greeting_garbage"},
        EvidenceCase{"NoGreeting", "greeting", {""}, "greeting_timeout"},
        EvidenceCase{"ClosedAtOnce", "greeting", {"", Then::kClose}, "closed"},
        EvidenceCase{"ResetAtOnce", "greeting", {"", Then::kReset}, "reset"},
        EvidenceCase{"ClosedAtUser", "USER", {"", Then::kClose}, "closed"},
        EvidenceCase{"SilentAtUser", "USER", {""}, "response_timeout"},
        EvidenceCase{"ClosedAtPass", "PASS", {"", Then::kClose}, "closed"},
        EvidenceCase{"ResetAtPass", "PASS", {"", Then::kReset}, "reset"},
        EvidenceCase{"GarbageAtPass", "PASS", {"yes\r\n"}, "protocol"},
        EvidenceCase{"SilentAtPass", "PASS", {""}, "response_timeout"},
        EvidenceCase{"SysTemp", "PASS", {"-ERR [SYS/TEMP] no disk\r\n"}, "[SYS/TEMP] no disk"},
        EvidenceCase{"SysPerm", "PASS", {"-ERR [SYS/PERM] never\r\n"}, "[SYS/PERM] never"},
        EvidenceCase{"LostInASession", "STAT", {"", Then::kClose}, "node_eof"},
        EvidenceCase{"ResetInASession", "STAT", {"", Then::kReset}, "node_reset"},
        EvidenceCase{"SilentInASession", "STAT", {""}, "node_response_timeout"},
        EvidenceCase{"GarbageInASession", "STAT", {"eh?\r\n"}, "node_protocol"},
        // A node that works says so too.
        EvidenceCase{"WrongPassword", "PASS", {"-ERR [AUTH] no\r\n"}, ""},
        EvidenceCase{"Refusal", "PASS", {"-ERR no\r\n"}, ""},
        EvidenceCase{"UnknownUser", "USER", {"-ERR who?\r\n"}, ""},
        EvidenceCase{"InUse", "PASS", {"-ERR [IN-USE] locked\r\n"}, ""},
        EvidenceCase{"LoginDelay", "PASS", {"-ERR [LOGIN-DELAY] 60\r\n"}, ""},
        EvidenceCase{"ErrInASession", "STAT", {"-ERR [SYS/TEMP] later\r\n"}, ""},
        EvidenceCase{"ClosedBetweenCommands", "STAT", {"+OK 0 0\r\n", Then::kClose}, ""}),
    [](const auto& info) { return info.param.name; });

// One who is served, be it with a no, ends the row.
TEST(SessionHealthTest, OnlyFailuresInARowCount) {
  for (const char* served : {kLoggedIn, "-ERR [AUTH] no\r\n", "-ERR [IN-USE] locked\r\n"}) {
    SessionBench bench({.health = Strikes(3)});
    for (int i = 0; i < 3; ++i) {
      bench.node(0).set_answer("PASS", {"-ERR [SYS/TEMP] no disk\r\n"});
      for (const char* user : {"alice", "bob"}) bench.LogIn(bench.Connect(), user);
      bench.node(0).set_answer("PASS", {served});
      bench.LogIn(bench.Connect(), "carol");
    }
    EXPECT_THAT(bench.observer.transitions, IsEmpty());
    bench.node(0).set_answer("PASS", {"-ERR [SYS/TEMP] no disk\r\n"});
    for (const char* user : {"alice", "bob", "carol"}) bench.LogIn(bench.Connect(), user);
    EXPECT_EQ(bench.observer.transitions.size(), 1u);
  }
}

TEST(SessionHealthTest, OneUsersBrokenMailboxIsNoBrokenNode) {
  SessionBench bench({.health = Strikes(2)});
  bench.node(0).set_answer("PASS", {"-ERR [SYS/TEMP] index corrupted\r\n"});
  for (int i = 0; i < 10; ++i) bench.LogIn(bench.Connect());
  EXPECT_THAT(bench.observer.transitions, IsEmpty());
}

// Before the password was sent a login tries again by itself, until the node is out.
TEST(SessionHealthTest, ALoginTriesAgainUntilTheNodeIsOut) {
  SessionBench bench({.nodes = 2, .health = Strikes(4)});
  const size_t first = bench.Preferred("alice").front();
  bench.node(first).set_greeting({"-ERR full\r\n"});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.Settle(seconds(5));
  EXPECT_EQ(client.received(), kTemporary);
  EXPECT_EQ(bench.node(first).connections().size(), 4u);
  EXPECT_EQ(bench.observer.transitions.size(), 1u);
  EXPECT_THAT(bench.meter.pool, Contains("retry unreachable").Times(3));
}

TEST(SessionHealthTest, AClientThatLeavesIsNoEvidence) {
  for (const char* at : {"greeting", "USER", "PASS", "STAT"}) {
    for (const bool reset : {true, false}) {
      SessionBench bench({.health = Strikes(1)});
      if (*at == 'g') {
        bench.node(0).set_greeting({""});
      } else {
        bench.node(0).set_answer(at, {""});
      }
      upstream::DrivenPeer& client = bench.Connect();
      bench.Ask(client, kDialogue + "STAT\r\n");
      if (reset) {
        client.Reset();
      } else {
        client.HalfClose();
      }
      bench.Settle();
      bench.AbortAll();
      bench.RunToEnd();
      EXPECT_THAT(bench.observer.transitions, IsEmpty()) << at;
    }
  }
}

// The login's time includes what its client took: what is too little for any node says nothing
// against this one, else a dawdler could have nodes ejected.
TEST(SessionHealthTest, ADawdlersDeadlineIsNoEvidence) {
  for (const char* at : {"greeting", "USER", "PASS"}) {
    SessionBench bench({.health = Strikes(1)});
    if (*at == 'g') {
      bench.node(0).set_greeting({""});
    } else {
      bench.node(0).set_answer(at, {""});
    }
    std::vector<upstream::DrivenPeer*> dawdlers;
    for (int i = 0; i < 3; ++i) dawdlers.push_back(&bench.Connect());
    bench.Settle(seconds(55));
    for (size_t i = 0; i < dawdlers.size(); ++i) {
      dawdlers[i]->Send("USER user" + std::to_string(i) + "\r\nPASS secret\r\n");
    }
    bench.Settle(seconds(6));
    for (upstream::DrivenPeer* dawdler : dawdlers) {
      EXPECT_EQ(dawdler->received(), std::string(pop3::kReplyUserAccepted) + kTemporary);
    }
    EXPECT_THAT(bench.observer.transitions, IsEmpty()) << at;
    EXPECT_THAT(bench.meter.calls, Contains("login timeout"));
    EXPECT_THAT(bench.meter.calls, Not(Contains(HasSubstr("failed")))) << at;
    EXPECT_THAT(std::string(bench.RunToEnd().failure), testing::AnyOf(HasSubstr("timeout"))) << at;
  }
}

// --- where logins go

class TwoNodes : public testing::Test {
 protected:
  static SessionBench::Options Options(seconds hold_down) {
    SessionBench::Options options{.nodes = 2, .shared_storage = true, .health = Strikes(1)};
    options.health.hold_down = hold_down;
    return options;
  }
  size_t At(size_t node) { return bench_.node(node).connections().size(); }
  SessionBench bench_{Options(seconds(5))};
  const size_t first_ = bench_.Preferred("alice").front();
  const size_t second_ = 1 - first_;
};

TEST_F(TwoNodes, AfterTheHoldDownItsUsersMove) {
  bench_.node(first_).StopListening();
  upstream::DrivenPeer& client = bench_.Connect();
  EXPECT_EQ(bench_.LogIn(client), "");
  bench_.Settle(seconds(4));
  EXPECT_EQ(client.received(), "");
  EXPECT_EQ(At(second_), 0u);
  bench_.Settle(seconds(1));
  EXPECT_EQ(client.received(), kLoggedIn);
  EXPECT_EQ(At(second_), 1u);
  EXPECT_THAT(bench_.meter.pool, Contains("retry hold_down"));
  EXPECT_THAT(bench_.meter.calls, Contains("over " + std::to_string(first_)));
  // From then on at once.
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
  bench_.Ask(client, "QUIT\r\n");
}

TEST_F(TwoNodes, WhoeverIsAtHomeElsewhereNoticesNothing) {
  bench_.node(first_).StopListening();
  bench_.LogIn(bench_.Connect());
  for (int i = 0; i < 10; ++i) {
    const std::string user = "user" + std::to_string(i);
    if (bench_.Preferred(user).front() == second_) {
      EXPECT_EQ(bench_.LogIn(bench_.Connect(), user), kLoggedIn);
    }
  }
}

TEST_F(TwoNodes, NobodyFollowsASessionToANodeThatIsOut) {
  upstream::DrivenPeer& first = bench_.Connect();
  ASSERT_EQ(bench_.LogIn(first), kLoggedIn);
  bench_.TakeOut(first_);
  upstream::DrivenPeer& second = bench_.Connect();
  EXPECT_EQ(bench_.LogIn(second), "");
  bench_.Settle(seconds(10));
  EXPECT_EQ(second.received(), "");  // never on two nodes at once
  EXPECT_EQ(At(first_), 1u);
  EXPECT_EQ(At(second_), 0u);
  bench_.Ask(first, "QUIT\r\n");
  bench_.Settle(seconds(1));
  EXPECT_EQ(second.received(), kLoggedIn);
  EXPECT_EQ(At(first_), 1u);
  EXPECT_EQ(At(second_), 1u);
}

TEST_F(TwoNodes, WhoeverWaitsForASessionOnANodeThatIsOutIsToldWhy) {
  upstream::DrivenPeer& first = bench_.Connect();
  ASSERT_EQ(bench_.LogIn(first), kLoggedIn);
  bench_.TakeOut(first_);
  upstream::DrivenPeer& second = bench_.Connect();
  EXPECT_EQ(bench_.LogIn(second), "");
  bench_.Settle(Timeouts{}.login);
  EXPECT_EQ(second.received(), kTemporary);
  second.HalfClose();
  bench_.Settle();
  ASSERT_EQ(bench_.log.records.size(), 1u);
  EXPECT_THAT(std::string(bench_.log.records.back().failure), HasSubstr("node_out"));
}

// A login that the node hasn't answered yet is a session too: it may still succeed. But two clients
// of one user, at their logins there by turns, must not lead each other to the node.
TEST_F(TwoNodes, TwoClientsOfOneUserDontLeadEachOtherToANodeThatIsOut) {
  bench_.node(first_).set_answer("PASS", {""});
  upstream::DrivenPeer& first = bench_.Connect();
  EXPECT_EQ(bench_.LogIn(first), "");
  bench_.TakeOut(first_);
  bench_.Settle(seconds(10));
  upstream::DrivenPeer& second = bench_.Connect();
  EXPECT_EQ(bench_.LogIn(second), "");
  bench_.Settle(seconds(6));
  EXPECT_EQ(first.received(), kTemporary);
  EXPECT_EQ(second.received(), kLoggedIn);
  first.Forget();
  EXPECT_EQ(bench_.LogIn(first), kLoggedIn);
  EXPECT_EQ(At(first_), 1u);
  EXPECT_EQ(At(second_), 2u);
}

TEST_F(TwoNodes, CredentialsAreNotSentToANodeThatWentOutMeanwhile) {
  bench_.node(first_).set_greeting({""});
  upstream::DrivenPeer& client = bench_.Connect();
  EXPECT_EQ(bench_.LogIn(client), "");
  ASSERT_EQ(At(first_), 1u);
  bench_.TakeOut(first_);
  bench_.node(first_).last().Send("+OK at last\r\n");
  bench_.Settle(seconds(6));
  EXPECT_EQ(client.received(), kLoggedIn);
  EXPECT_EQ(At(second_), 1u);
  EXPECT_THAT(bench_.node(first_).received(), Not(HasSubstr("PASS")));
}

TEST_F(TwoNodes, AClientMayLeaveDuringTheHoldDown) {
  bench_.node(first_).StopListening();
  upstream::DrivenPeer& client = bench_.Connect();
  bench_.LogIn(client);
  client.HalfClose();
  EXPECT_EQ(bench_.RunToEnd().reason, EndReason::kClientEof);
  EXPECT_THAT(bench_.meter.calls, Contains("login abandoned"));
  bench_.Settle(seconds(10));
  EXPECT_EQ(At(second_), 0u);
}

TEST_F(TwoNodes, WithoutAffinityThereIsNoHoldDown) {
  SessionBench::Options options = Options(seconds(5));
  options.affinity = false;
  SessionBench bench(options);
  bench.node(first_).StopListening();
  EXPECT_EQ(bench.LogIn(bench.Connect()), kLoggedIn);
  EXPECT_EQ(bench.node(second_).connections().size(), 1u);
}

// None is out yet, and the login's time is not over.
TEST_F(TwoNodes, WithoutAffinityALoginComesRoundToEachNodeAgain) {
  SessionBench::Options options = Options(seconds(5));
  options.affinity = false;
  options.health = Strikes(20);
  SessionBench bench(options);
  bench.node(first_).set_greeting({"-ERR full\r\n"});
  bench.node(second_).set_greeting({"-ERR full\r\n"});
  upstream::DrivenPeer& client = bench.Connect();
  EXPECT_EQ(bench.LogIn(client), "");
  bench.Settle(seconds(1));
  EXPECT_GE(bench.node(first_).connections().size(), 2u);
  EXPECT_GE(bench.node(second_).connections().size(), 2u);
  EXPECT_EQ(client.received(), "");
  bench.node(second_).set_greeting({"+OK\r\n"});
  bench.Settle(seconds(2));
  EXPECT_EQ(client.received(), kLoggedIn);
}

TEST_F(TwoNodes, WithoutAffinityLoadMovesUsers) {
  SessionBench::Options options = Options(seconds(5));
  options.affinity = false;
  SessionBench bench(options);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(bench.LogIn(bench.Connect()), kLoggedIn);
  // 1.25 times the fair share of five, and the rest.
  EXPECT_EQ(bench.node(first_).connections().size(), 7u);
  EXPECT_EQ(bench.node(second_).connections().size(), 3u);
}

TEST_F(TwoNodes, WithAffinityLoadMovesNobody) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
  EXPECT_EQ(At(first_), 10u);
}

TEST(SessionHealthTest, WithoutSharedStorageItsUsersAreToldAtOnce) {
  SessionBench bench({.nodes = 2, .health = Strikes(1)});
  const size_t first = bench.Preferred("alice").front();
  bench.node(first).set_greeting({"-ERR full\r\n"});
  EXPECT_EQ(bench.LogIn(bench.Connect()), kTemporary);
  upstream::DrivenPeer& client = bench.Connect();
  EXPECT_EQ(bench.LogIn(client), kTemporary);
  client.HalfClose();
  bench.Settle(seconds(1));
  ASSERT_EQ(bench.log.records.size(), 1u);
  EXPECT_EQ(bench.log.records.back().failure, "no node in service");
  EXPECT_EQ(bench.node(first).connections().size(), 1u);  // it is spared
  EXPECT_EQ(bench.node(1 - first).connections().size(), 0u);
}

// --- the operator's word

TEST_F(TwoNodes, DownDropsItsSessions) {
  upstream::DrivenPeer& idle = bench_.Connect();
  upstream::DrivenPeer& busy = bench_.Connect();
  bench_.node(first_).set_answer("RETR", {"+OK\r\nhalf a"});
  bench_.LogIn(idle);
  bench_.LogIn(busy);
  bench_.Ask(busy, "RETR 1\r\n");
  bench_.SetAdmin(first_, balancer::AdminState::kDown);
  bench_.Settle();
  EXPECT_EQ(bench_.OpenAtNode(first_), 0u);
  EXPECT_NE(busy.end(), PeerEnd::kOpen);
  EXPECT_EQ(bench_.Ask(idle, "STAT\r\n"), pop3::kReplyNodeLost);
  bench_.RunToEnd();
  for (const Record& record : bench_.log.records) EXPECT_EQ(record.reason, EndReason::kNodeDown);
  EXPECT_THAT(bench_.node(first_).received(), Not(HasSubstr("QUIT")));
  // It was our doing.
  EXPECT_THAT(bench_.observer.transitions, IsEmpty());
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
  EXPECT_EQ(At(second_), 1u);
}

TEST_F(TwoNodes, DownDropsAlsoWhoIsJustLoggingIn) {
  bench_.node(first_).set_answer("PASS", {""});
  upstream::DrivenPeer& client = bench_.Connect();
  EXPECT_EQ(bench_.LogIn(client), "");
  bench_.SetAdmin(first_, balancer::AdminState::kDown);
  bench_.node(first_).last().Send(kLoggedIn);
  bench_.Settle();
  bench_.Ask(client, "STAT\r\n");
  EXPECT_EQ(bench_.OpenAtNode(first_), 0u);
  EXPECT_EQ(bench_.RunToEnd().reason, EndReason::kNodeDown);
}

TEST_F(TwoNodes, DrainTouchesNoSession) {
  upstream::DrivenPeer& client = bench_.Connect();
  bench_.LogIn(client);
  bench_.node(first_).set_answer("STAT", {"+OK 0 0\r\n"});
  bench_.SetAdmin(first_, balancer::AdminState::kDrain);
  bench_.Settle(seconds(5));
  EXPECT_EQ(bench_.Ask(client, "STAT\r\n"), "+OK 0 0\r\n");
  // Her second session follows the first; another user goes elsewhere, without a hold-down.
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
  EXPECT_EQ(At(first_), 2u);
  std::string neighbour;
  for (int i = 0; neighbour.empty(); ++i) {
    const std::string user = "user" + std::to_string(i);
    if (bench_.Preferred(user).front() == first_) neighbour = user;
  }
  EXPECT_EQ(bench_.LogIn(bench_.Connect(), neighbour), kLoggedIn);
  EXPECT_EQ(At(second_), 1u);
  bench_.Ask(client, "QUIT\r\n");
}

TEST_F(TwoNodes, DrainedEverywhereNobodyIsServed) {
  bench_.SetAdmin(first_, balancer::AdminState::kDrain);
  bench_.SetAdmin(second_, balancer::AdminState::kDrain);
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kTemporary);
  bench_.SetAdmin(second_, balancer::AdminState::kUp);
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
}

// --- active probes

TEST(SessionHealthTest, ANodeThatProbesFindDownIsNotTried) {
  SessionBench::Options options{
      .nodes = 2, .shared_storage = true, .health = Strikes(1), .probers = true};
  options.health.probes = true;
  SessionBench bench(options);
  const size_t first = bench.Preferred("alice").front();
  for (size_t node : {0u, 1u}) {
    bench.node(node).set_answer("CAPA", {"+OK\r\nTOP\r\nUSER\r\n.\r\n"});
  }
  bench.Settle(seconds(20));
  // What the nodes have is what clients are offered; neither has UIDL.
  EXPECT_THAT(bench.Ask(bench.Connect(), "CAPA\r\n"), Not(HasSubstr("UIDL")));
  bench.node(first).StopListening();
  bench.Settle(seconds(20));
  ASSERT_EQ(bench.observer.transitions.size(), 1u);
  EXPECT_EQ(bench.observer.transitions[0].to, balancer::NodeState::kDown);
  EXPECT_EQ(bench.LogIn(bench.Connect()), kLoggedIn);
  EXPECT_THAT(bench.meter.calls, Not(Contains(HasSubstr("failed"))));
}

}  // namespace
}  // namespace poplar::session
