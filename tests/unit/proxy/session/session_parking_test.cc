// Which sessions are parked, and what the node and the client hear of it (DESIGN section 4, "A
// session is parked only on ...").
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/relay_bench.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Then = upstream::ScriptedNode::Answer::Then;
using PeerEnd = upstream::DrivenPeer::End;

const std::string kGoodbye(pop3::kReplyQuit);  // ours: the node hears nothing
constexpr char kBye[] = "+OK bye\r\n";         // the node's
constexpr char kLogin[] = "USER alice\r\nPASS secret\r\n";

void Script(upstream::ScriptedNode& node) {
  for (const char* command : {"NOOP", "DELE", "RSET", "LANG de", "UTF8"})
    node.set_answer(command, {"+OK\r\n"});
  node.set_answer("DELE 9", {"-ERR no such message\r\n"});
  node.set_answer("STAT", {"+OK 2 20\r\n"});
  node.set_answer("LIST", {"+OK\r\n1 10\r\n2 10\r\n.\r\n"});
  node.set_answer("LANG", {"+OK\r\nde\r\nen\r\n.\r\n"});
  node.set_answer("RETR", {"+OK\r\nmail\r\n.\r\n"});
  node.set_answer("RETR 2", {"-ERR [SYS/TEMP] disk\r\n"});
  node.set_answer("RETR 3", {"-ERR [SYS/PERM] gone\r\n"});
  node.set_answer("RETR 4", {"-ERR [IN-USE] odd\r\n"});
  node.set_answer("TOP", {"-ERR no\r\n"});
  node.set_answer("XYZZY", {"+OK nothing happens\r\n"});
}

SessionBench::Options Parking() { return {.pool = {.warm = 0, .max_snapshot_age = seconds(10)}}; }

struct ParkingCase {
  const char* name;
  std::vector<const char*> before;  // each answered before the next one goes
  const char* last;                 // in one packet
  const char* result;               // of parking, as the metrics have it; empty: not spoken of
  const char* answer;               // the last of what the client is told
};

class ParkingTest : public testing::TestWithParam<ParkingCase> {};

TEST_P(ParkingTest, ParksOrLeavesTheQuitToTheNode) {
  SessionBench bench(Parking());
  Script(bench.node(0));
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  std::string sent = kLogin;
  for (const std::string command : GetParam().before) {
    EXPECT_NE(bench.Ask(client, command + "\r\n"), "");
    sent += command + "\r\n";
  }
  EXPECT_THAT(bench.Ask(client, GetParam().last), testing::EndsWith(GetParam().answer));
  EXPECT_EQ(client.end(), PeerEnd::kOrderly);
  client.HalfClose();
  const Record& record = bench.RunToEnd();

  const std::string result = GetParam().result;
  if (result.empty()) {
    EXPECT_THAT(bench.meter.pool, ElementsAre("take 0 new"));
  } else {
    EXPECT_THAT(bench.meter.pool, ElementsAre("take 0 new", "park 0 " + result));
  }
  const bool parked = result == "parked";
  EXPECT_EQ(record.parked, parked);
  EXPECT_EQ(bench.OpenAtNode(0), parked ? 1u : 0u);
  EXPECT_EQ(bench.pool_of(0).pool.counts().parked, parked ? 1u : 0u);
  const std::string received = bench.node(0).received();
  if (parked) {
    EXPECT_EQ(received, sent);  // nothing of our own, least of all RSET
  } else {
    EXPECT_TRUE(received.starts_with(sent)) << received;
    EXPECT_THAT(received, HasSubstr("QUIT"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, ParkingTest,
    testing::Values(
        ParkingCase{"Nothing", {}, "QUIT\r\n", "parked", kGoodbye.c_str()},
        ParkingCase{
            "Reading", {"STAT", "LIST", "RETR 1", "NOOP"}, "QUIT\r\n", "parked", kGoodbye.c_str()},
        ParkingCase{"LowerCaseAndBareLf", {"STAT"}, "quit\n", "parked", kGoodbye.c_str()},
        ParkingCase{"PlainErrors", {"TOP 1 1", "RETR 4"}, "QUIT\r\n", "parked", kGoodbye.c_str()},
        // Deletes
        ParkingCase{"Dele", {"DELE 1"}, "QUIT\r\n", "deletes", kBye},
        ParkingCase{"DeleThenReading", {"DELE 1", "STAT"}, "QUIT\r\n", "deletes", kBye},
        ParkingCase{"RefusedDele", {"DELE 9"}, "QUIT\r\n", "parked", kGoodbye.c_str()},
        ParkingCase{"DeleUndone", {"DELE 1", "RSET"}, "QUIT\r\n", "parked", kGoodbye.c_str()},
        ParkingCase{"DeleAfterTheRset", {"RSET", "DELE 1"}, "QUIT\r\n", "deletes", kBye},
        ParkingCase{"DeleOutstanding", {}, "DELE 1\r\nQUIT\r\n", "pipelined", kBye},
        // Responses outstanding, commands behind
        ParkingCase{"ResponseOutstanding", {}, "RETR 1\r\nQUIT\r\n", "pipelined", kBye},
        ParkingCase{"QuitWithArgument", {}, "QUIT now\r\n", "pipelined", kBye},
        // Trouble
        ParkingCase{"SysTemp", {"RETR 2", "STAT"}, "QUIT\r\n", "sys_error", kBye},
        ParkingCase{"SysPerm", {"RETR 3"}, "QUIT\r\n", "sys_error", kBye},
        // The session's mode
        ParkingCase{"AskedForLanguages", {"LANG"}, "QUIT\r\n", "parked", kGoodbye.c_str()},
        ParkingCase{"OtherLanguage", {"LANG de"}, "QUIT\r\n", "refused", kBye},
        ParkingCase{"Utf8", {"UTF8"}, "QUIT\r\n", "refused", kBye},
        ParkingCase{"Opaque", {"XYZZY"}, "QUIT\r\n", "", kBye}),
    [](const auto& info) { return info.param.name; });

// "nothing pipelined behind it"; in one packet, of course, else it wasn't there yet.
TEST(SessionParkingTest, NothingMayBePipelinedBehindTheQuit) {
  const std::pair<const char*, ParkResult> cases[] = {{"QUIT\r\n", ParkResult::kParked},
                                                      {"QUIT\r\nNOOP\r\n", ParkResult::kPipelined},
                                                      {"QUIT\r\nQUIT\r\n", ParkResult::kPipelined},
                                                      {"QUIT\r\nN", ParkResult::kPipelined},
                                                      {"QUIT\r\n\r\n", ParkResult::kPipelined},
                                                      {"QUIT\n\n", ParkResult::kPipelined}};
  for (const auto& [unread, result] : cases) {
    SCOPED_TRACE(unread);
    RelayBench::Options options{.unread = unread};
    options.max_snapshot_age = std::chrono::hours(1'000'000);
    RelayBench bench(options);
    bench.AnswerBy([](std::string_view) { return kBye; });
    const RelayEnd end = bench.RunToEnd();
    EXPECT_EQ(end.reason, EndReason::kQuit);
    ASSERT_TRUE(end.park.has_value());
    EXPECT_EQ(*end.park, result);
    const bool parked = result == ParkResult::kParked;
    EXPECT_EQ(bench.NodeGot(), parked ? "" : "QUIT\r\n");
    EXPECT_EQ(bench.ClientGot(), parked ? kGoodbye : kBye);
  }
}

TEST(SessionParkingTest, ARefusedRsetUndoesNothing) {
  SessionBench bench(Parking());
  Script(bench.node(0));
  bench.node(0).set_answer("RSET", {"-ERR no\r\n"});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.Ask(client, "DELE 1\r\n");
  bench.Ask(client, "RSET\r\n");
  EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), kBye);
}

TEST(SessionParkingTest, ASessionTooOldIsNotParked) {
  SessionBench bench(Parking());
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.Settle(seconds(10));
  EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), kBye);
  EXPECT_THAT(bench.meter.pool, ElementsAre("take 0 new", "park 0 too_old"));
}

// "With a DELE pending QUIT goes to the node and the node's answer goes to the client."
TEST(SessionParkingTest, WithADeletePendingTheNodesOwnAnswerReachesTheClient) {
  for (const char* answer :
       {"+OK 1 message deleted\r\n", "-ERR Some deleted messages were not removed\r\n",
        "-ERR [SYS/TEMP] disk full\r\n"}) {
    SessionBench bench(Parking());
    Script(bench.node(0));
    bench.node(0).set_answer("QUIT", {answer, Then::kClose});
    upstream::DrivenPeer& client = bench.Connect();
    bench.LogIn(client);
    bench.Ask(client, "DELE 1\r\n");
    EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), answer);
    client.HalfClose();
    EXPECT_EQ(bench.RunToEnd().deletes, *answer == '+' ? 1u : 0u);
    EXPECT_EQ(bench.node(0).received(), std::string(kLogin) + "DELE 1\r\nQUIT\r\n");
  }
}

TEST(SessionParkingTest, WithoutTheNodesAnswerToItsQuitTheClientGetsNone) {
  SessionBench bench(Parking());
  Script(bench.node(0));
  bench.node(0).set_answer("QUIT", {"", Then::kClose});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.Ask(client, "DELE 1\r\n");
  EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), "");
  EXPECT_NE(client.end(), PeerEnd::kOpen);
  EXPECT_EQ(bench.RunToEnd().deletes, 0u);
}

TEST(SessionParkingTest, ANodeThatHasClosedIsNotParked) {
  for (const bool reset : {true, false}) {
    SessionBench bench(Parking());
    upstream::DrivenPeer& client = bench.Connect();
    bench.LogIn(client);
    if (reset) {
      bench.node(0).last().Reset();
    } else {
      bench.node(0).last().HalfClose();
    }
    bench.Settle();
    bench.Ask(client, "QUIT\r\n");
    client.HalfClose();
    EXPECT_FALSE(bench.RunToEnd().parked);
    EXPECT_EQ(bench.pool_of(0).pool.counts().in_use, 0u);
  }
}

// Whichever comes first: a session is parked whole or not at all, and the client has its answer.
TEST(SessionParkingTest, ANodeThatClosesJustThen) {
  int parked = 0;
  int noticed = 0;
  for (uint64_t seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE(seed);
    SessionBench::Options options = Parking();
    options.seed = seed;
    SessionBench bench(options);
    upstream::DrivenPeer& client = bench.Connect();
    bench.LogIn(client);
    client.Send("QUIT\r\n");
    bench.Settle(microseconds(seed * 2));
    bench.node(0).last().HalfClose();
    bench.Settle();
    EXPECT_THAT(client.received(), testing::AnyOf(kGoodbye, std::string(pop3::kReplyNodeLost)));
    client.HalfClose();
    const Record& record = bench.RunToEnd();
    ++(record.parked ? parked : noticed);
    EXPECT_EQ(bench.node(0).received(), kLogin);
    EXPECT_EQ(bench.LogIn(bench.Connect()), "+OK Logged in.\r\n");  // it is seen then
  }
  EXPECT_GT(parked, 5);
  EXPECT_GT(noticed, 5);
}

// --- "A client that vanished is never given a QUIT: close the upstream."

struct VanishCase {
  const char* name;
  const char* last;
  bool reset;
  seconds wait;  // until it is given up
};

class VanishTest : public testing::TestWithParam<VanishCase> {};

TEST_P(VanishTest, IsGivenNoQuitAndItsUpstreamIsClosed) {
  SessionBench bench(Parking());
  Script(bench.node(0));
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.Ask(client, "STAT\r\n");
  client.Send(GetParam().last);
  bench.Settle();
  if (GetParam().reset) {
    client.Reset();
  } else if (GetParam().wait == seconds(0)) {
    client.HalfClose();
  }
  const Record& record = bench.RunToEnd(GetParam().wait + seconds(5));
  EXPECT_FALSE(record.parked);
  EXPECT_THAT(bench.node(0).received(), Not(HasSubstr("QUIT")));
  EXPECT_EQ(bench.OpenAtNode(0), 0u);
  EXPECT_THAT(bench.meter.pool, ElementsAre("take 0 new"));
  EXPECT_EQ(bench.pool_of(0).pool.counts().in_use, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Table, VanishTest,
    testing::Values(VanishCase{"Closes", "", false, seconds(0)},
                    VanishCase{"Resets", "", true, seconds(0)},
                    VanishCase{"HalfAQuit", "QUI", false, seconds(0)},
                    VanishCase{"QuitWithoutItsEnd", "QUIT", false, seconds(0)},
                    VanishCase{"QuitWithoutItsLf", "QUIT\r", false, seconds(0)},
                    VanishCase{"QuitWithoutItsEndReset", "QUIT", true, seconds(0)},
                    VanishCase{"WithDeletes", "DELE 1\r\n", false, seconds(0)},
                    VanishCase{"FallsSilent", "QUIT", false, minutes(11)}),
    [](const auto& info) { return info.param.name; });

TEST(SessionParkingTest, WhoeverVanishesAtAnyInstantIsGivenNoQuit) {
  for (uint64_t step = 0; step < 100; ++step) {
    SCOPED_TRACE(step);
    SessionBench::Options options = Parking();
    options.seed = step + 1;
    SessionBench bench(options);
    Script(bench.node(0));
    upstream::DrivenPeer& client = bench.Connect();
    client.Send(kLogin);
    client.Send("STAT\r\nRETR 1\r\nDELE 1\r\nSTAT\r\nQUIT");
    bench.Settle(microseconds(step * 15));
    if (step % 2 == 0) {
      client.Reset();
    } else {
      client.HalfClose();
    }
    EXPECT_FALSE(bench.RunToEnd().parked);
    for (upstream::DrivenPeer& connection : bench.node(0).connections()) {
      EXPECT_THAT(connection.received(), Not(HasSubstr("QUIT")));
    }
    EXPECT_EQ(bench.OpenAtNode(0), 0u);
  }
}

// A complete QUIT is one, whether or not its sender stays for the answer.
TEST(SessionParkingTest, TheClientMayCloseBehindItsQuit) {
  SessionBench bench(Parking());
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  client.Send("QUIT\r\n");
  client.HalfClose();
  EXPECT_TRUE(bench.RunToEnd().parked);
  EXPECT_EQ(client.received(), kGoodbye);
}

TEST(SessionParkingTest, ADrainingSessionIsNotParked) {
  SessionBench bench(Parking());
  Script(bench.node(0));
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.node(0).set_answer("RETR", {""});
  bench.Ask(client, "RETR 1\r\n");
  bench.DrainAll();
  client.Send("QUIT\r\n");
  bench.Settle();
  bench.node(0).last().Send("+OK\r\n.\r\n");
  bench.RunToEnd();
  EXPECT_FALSE(bench.log.records.back().parked);
  EXPECT_EQ(bench.OpenAtNode(0), 0u);
}

// What the pool refuses ends as it should, in the background: the client needn't wait for it.
TEST(SessionParkingTest, WhatThePoolRefusesGetsItsQuit) {
  SessionBench bench(Parking());
  bench.node(0).set_answer("QUIT", {""});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.pool_of(0).pool.SetOpen(false);  // as when its node leaves service
  EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), kGoodbye);
  EXPECT_EQ(bench.node(0).received(), std::string(kLogin) + "QUIT\r\n");
  EXPECT_EQ(bench.affinity().Users(), 1u);  // as long as the node may hold the maildrop
  bench.node(0).last().HalfClose();
  bench.Settle();
  EXPECT_EQ(bench.affinity().Users(), 0u);
  EXPECT_THAT(bench.meter.pool, ElementsAre("take 0 new", "park 0 refused"));
  EXPECT_FALSE(bench.RunToEnd().parked);
}

TEST(SessionParkingTest, WhereNobodyMayBeParkedTheNodeAnswers) {
  SessionBench::Options options = Parking();
  options.pool.parked = 0;
  SessionBench bench(options);
  bench.node(0).set_answer("QUIT", {"+OK the node's own\r\n"});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), "+OK the node's own\r\n");
  EXPECT_THAT(bench.meter.pool, ElementsAre("take 0 new", "park 0 off"));
}

TEST(SessionParkingTest, TheYoungerOfTwoStays) {
  SessionBench bench(Parking());
  upstream::DrivenPeer& older = bench.Connect();
  upstream::DrivenPeer& younger = bench.Connect();
  bench.LogIn(older);
  bench.LogIn(younger);
  ASSERT_EQ(bench.node(0).connections().size(), 2u);
  EXPECT_EQ(bench.Ask(younger, "QUIT\r\n"), kGoodbye);
  EXPECT_EQ(bench.Ask(older, "QUIT\r\n"), kGoodbye);
  EXPECT_EQ(bench.node(0).connections()[0].received(), std::string(kLogin) + "QUIT\r\n");
  EXPECT_EQ(bench.node(0).connections()[1].received(), kLogin);
}

}  // namespace
}  // namespace poplar::session
