// How sessions end: before login, with mail, drained, aborted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "proxy/demo/demo_mail.h"
#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using PeerEnd = upstream::DrivenPeer::End;

// --- before login

struct EarlyCase {
  const char* name;
  std::string bytes;
  std::string answer;
  EndReason reason;
  bool open;  // until the client leaves
};

class EarlyTest : public testing::TestWithParam<EarlyCase> {};

TEST_P(EarlyTest, TouchesNoNode) {
  for (const bool byte_by_byte : {false, true}) {
    SessionBench::Options options;
    if (byte_by_byte) options.faults.segment_bytes_max = options.faults.read_bytes_max = 1;
    SessionBench bench(options);
    upstream::DrivenPeer& client = bench.Connect();
    EXPECT_EQ(bench.Ask(client, GetParam().bytes), GetParam().answer);
    EXPECT_EQ(client.end(), GetParam().open ? PeerEnd::kOpen : PeerEnd::kOrderly);
    client.HalfClose();
    const Record& record = bench.RunToEnd();
    EXPECT_EQ(record.reason, GetParam().reason);
    EXPECT_EQ(record.bytes_to_client, pop3::kGreeting.size() + GetParam().answer.size());
    EXPECT_FALSE(record.logged_in);
    EXPECT_TRUE(bench.node(0).connections().empty());
  }
}

std::string Join(std::initializer_list<std::string_view> replies) {
  std::string joined;
  for (std::string_view reply : replies) joined += reply;
  return joined;
}

INSTANTIATE_TEST_SUITE_P(
    Table, EarlyTest,
    testing::Values(
        EarlyCase{"Nothing", "", "", EndReason::kClientEof, true},
        EarlyCase{"HalfALine", "USER al", "", EndReason::kClientEof, true},
        EarlyCase{"Quit", "QUIT\r\nNOOP\r\n", Join({pop3::kReplyQuit}), EndReason::kQuit, false},
        EarlyCase{"ControlByteInUser", "USER al\x01ice\r\nPASS x\r\n",
                  Join({pop3::kReplyUserAccepted, pop3::kReplyLoginRefused}), EndReason::kClientEof,
                  true},
        EarlyCase{
            "ControlBytesThrice",
            "USER \x7f\r\nPASS x\r\nUSER \t\x02\r\nPASS x\r\nUSER \x1b[\r\nPASS x\r\n",
            Join({pop3::kReplyUserAccepted, pop3::kReplyLoginRefused, pop3::kReplyUserAccepted,
                  pop3::kReplyLoginRefused, pop3::kReplyUserAccepted, pop3::kReplyLoginRefused}),
            EndReason::kTooManyFailedLogins, false},
        EarlyCase{"NulInUser", std::string("USER a\0b\r\n", 10), Join({pop3::kReplyBadCommand}),
                  EndReason::kClientEof, true},
        EarlyCase{"CrInUser", "USER a\rDELE 1\r\n", Join({pop3::kReplyBadCommand}),
                  EndReason::kClientEof, true},
        EarlyCase{"MailCommands", "STAT\r\nRETR 1\r\n",
                  Join({pop3::kReplyNotLoggedIn, pop3::kReplyNotLoggedIn}), EndReason::kClientEof,
                  true},
        EarlyCase{
            "TooManyBad", "STAT\r\nGET / HTTP/1.1\r\n\r\nQUIT\r\n",
            Join({pop3::kReplyNotLoggedIn, pop3::kReplyBadCommand, pop3::kReplyTooManyBadCommands}),
            EndReason::kTooManyBadCommands, false},
        EarlyCase{"LongLine", std::string(5000, 'x') + "\r\n", Join({pop3::kReplyLineTooLong}),
                  EndReason::kClientEof, true}),
    [](const auto& info) { return info.param.name; });

TEST(SessionEndTest, LoginTimeout) {
  for (const bool busy : {false, true}) {
    SCOPED_TRACE(busy);
    SessionBench bench;
    upstream::DrivenPeer& client = bench.Connect();
    const io::Time begun = bench.Now();
    for (int i = 0; i < 59; ++i) {
      if (busy) bench.Ask(client, "NOOP\r\n");
      bench.Settle(milliseconds(busy ? 800 : 1000));
    }
    EXPECT_EQ(client.end(), PeerEnd::kOpen);
    EXPECT_EQ(bench.RunToEnd().reason, EndReason::kLoginTimeout);
    EXPECT_LT(bench.Now() - begun, seconds(62));
    EXPECT_EQ(client.received(), "");
    EXPECT_NE(client.end(), PeerEnd::kOpen);
  }
}

// Bytes that came before a busy worker looked at its clock: the client has not left.
TEST(SessionEndTest, LoginTimeoutWithBytesAtHand) {
  SessionBench bench;
  upstream::DrivenPeer& client = bench.Connect();
  bench.Settle(seconds(59));
  client.Send("USER alice\r\n");
  bench.StandStill(seconds(2));
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kLoginTimeout);
  EXPECT_NE(client.end(), PeerEnd::kOpen);
}

// The time passes while we wait for the client to read, and what it sent is there whenever we ask.
TEST(SessionEndTest, LoginTimeoutOfAFlood) {
  constexpr size_t kWindow = 80;
  SessionBench::Options options{
      .faults = {.send_buffer_bytes = kWindow, .receive_window_bytes = kWindow}};
  options.timeouts.client_write_stall = seconds(100);
  SessionBench bench(options);
  upstream::DrivenPeer& client = bench.Connect();
  client.StopReading();
  for (int i = 0; i < 1000; ++i) client.Send("USER alice\r\n");
  bench.Settle(seconds(61));
  client.Forget();
  client.GoOnReading();
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kLoginTimeout);
  EXPECT_LT(client.received().size(), 10 * kWindow) << "it was served on";
}

TEST(SessionEndTest, ResetBeforeLogin) {
  SessionBench bench;
  bench.Connect().Reset();
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kClientReset);
}

TEST(SessionEndTest, ResetWhileTheNodeThinks) {
  SessionBench bench;
  bench.node(0).set_answer("PASS", {""});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  client.Reset();
  bench.Settle();
  bench.node(0).last().Send("+OK\r\n");
  const Record& record = bench.RunToEnd();
  EXPECT_EQ(record.reason, EndReason::kClientReset);
  EXPECT_EQ(bench.node(0).received(), "USER alice\r\nPASS secret\r\n");  // and no QUIT
  EXPECT_THAT(bench.meter.calls, Contains("node- 0"));
}

// What comes after our last word must not turn the close into a reset that takes the word along.
TEST(SessionEndTest, TheLastWordArrives) {
  SessionBench bench;
  upstream::DrivenPeer& client = bench.Connect();
  client.Send("QUIT\r\n");
  for (int i = 0; i < 20; ++i) {
    client.Send(std::string(1000, 'x'));
    bench.Settle(milliseconds(10));
  }
  EXPECT_EQ(client.received(), pop3::kReplyQuit);
  EXPECT_EQ(client.end(), PeerEnd::kOrderly);
  client.HalfClose();
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kQuit);
}

TEST(SessionEndTest, AClientThatNeverClosesIsNotWaitedForLong) {
  SessionBench bench;
  upstream::DrivenPeer& client = bench.Connect();
  bench.Ask(client, "QUIT\r\n");
  EXPECT_EQ(bench.RunToEnd(seconds(2)).reason, EndReason::kQuit);
}

TEST(SessionEndTest, AClientThatReadsNothing) {
  for (const char* bytes : {"CAPA\r\n", "QUIT\r\n"}) {
    SessionBench bench({.faults = {.send_buffer_bytes = 1, .receive_window_bytes = 1}});
    upstream::DrivenPeer& client = bench.Connect();
    client.StopReading();
    client.Send(bytes);
    EXPECT_EQ(bench.RunToEnd(seconds(62)).reason, EndReason::kClientWriteStall);
  }
}

// --- after login

TEST(SessionEndTest, TheNodeIsLostBetweenCommands) {
  SessionBench bench;
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.node(0).last().HalfClose();
  bench.Settle(minutes(1));
  EXPECT_EQ(bench.Ask(client, "STAT\r\nQUIT\r\n"), pop3::kReplyNodeLost);
  EXPECT_EQ(client.end(), PeerEnd::kOrderly);
  client.HalfClose();
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kNodeEof);
  EXPECT_EQ(bench.node(0).received(), "USER alice\r\nPASS secret\r\n");
}

TEST(SessionEndTest, TheNodeIsLostBeforeItsAnswer) {
  SessionBench bench;
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.Ask(client, "STAT\r\n");
  bench.node(0).last().Reset();
  bench.Settle();
  EXPECT_EQ(client.received(), pop3::kReplyNodeLost);
  EXPECT_EQ(client.end(), PeerEnd::kOrderly);
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kNodeReset);
}

TEST(SessionEndTest, TheNodeIsLostInAMessage) {
  SessionBench bench;
  bench.node(0).set_answer("RETR",
                           {"+OK\r\nhalf a ma", upstream::ScriptedNode::Answer::Then::kClose});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  EXPECT_EQ(bench.Ask(client, "RETR 1\r\n"), "+OK\r\nhalf a ma");
  EXPECT_NE(client.end(), PeerEnd::kOpen);
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kNodeEof);
  EXPECT_EQ(bench.log.records.back().messages, 0u);
}

TEST(SessionEndTest, IdleClientIsLeftWithoutAWordAndWithoutUpdate) {
  SessionBench bench;
  bench.node(0).set_answer("DELE", {"+OK\r\n"});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.Ask(client, "DELE 1\r\n");
  EXPECT_EQ(bench.RunToEnd(minutes(11)).reason, EndReason::kClientIdle);
  EXPECT_EQ(client.received(), "");
  EXPECT_EQ(bench.node(0).received(), "USER alice\r\nPASS secret\r\nDELE 1\r\n");
}

// --- drain

TEST(SessionEndTest, DrainBeforeLogin) {
  SessionBench bench;
  upstream::DrivenPeer& idle = bench.Connect();
  upstream::DrivenPeer& named = bench.Connect();
  bench.Ask(named, "USER alice\r\n");
  bench.DrainAll();
  bench.DrainAll();
  bench.RunToEnd();
  for (upstream::DrivenPeer* client : {&idle, &named}) {
    EXPECT_EQ(client->received(), pop3::kReplyDraining);
    EXPECT_EQ(client->end(), PeerEnd::kOrderly);
  }
  for (const Record& record : bench.log.records) EXPECT_EQ(record.reason, EndReason::kDraining);
}

TEST(SessionEndTest, DrainWhileTheNodeThinks) {
  for (const char* answer : {"+OK in\r\n", "-ERR [AUTH] no\r\n"}) {
    SessionBench bench;
    bench.node(0).set_answer("PASS", {""});
    upstream::DrivenPeer& client = bench.Connect();
    bench.LogIn(client);
    bench.DrainAll();
    bench.Settle(seconds(5));
    EXPECT_EQ(client.received(), "");
    bench.node(0).last().Send(answer);
    EXPECT_EQ(bench.RunToEnd().reason, EndReason::kDraining);
    EXPECT_EQ(client.received(), answer + std::string(pop3::kReplyDraining));
  }
}

TEST(SessionEndTest, DrainInAMessage) {
  SessionBench bench;
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.Ask(client, "RETR 1\r\n");
  bench.node(0).last().Send("+OK\r\nma");
  bench.Settle();
  bench.DrainAll();
  bench.Settle(seconds(5));
  bench.node(0).last().Send("il\r\n.\r\n");
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kDraining);
  EXPECT_EQ(client.received(), "+OK\r\nmail\r\n.\r\n" + std::string(pop3::kReplyDraining));
  EXPECT_EQ(client.end(), PeerEnd::kOrderly);
  EXPECT_EQ(bench.log.records.back().messages, 1u);
}

// --- abort

// At every instant from the connection to the end of a session with fail-over, mail and QUIT.
TEST(SessionEndTest, AbortAtAnyInstant) {
  int reached_relay = 0;
  for (uint64_t step = 0; step < 150; ++step) {
    SCOPED_TRACE(step);
    SessionBench bench({.faults = {.cancel_delay_max = microseconds(300)},
                        .seed = step + 1,
                        .nodes = 2,
                        .shared_storage = true});
    const size_t first = bench.Preferred("alice").front();
    bench.node(first).StopListening();
    bench.node(1 - first).set_answer("DELE", {"+OK\r\n"});
    bench.node(1 - first).set_answer("RETR", {"+OK\r\n" + std::string(30'000, 'x') + "\r\n.\r\n"});
    upstream::DrivenPeer& client = bench.Connect();
    client.Send("USER alice\r\nPASS secret\r\nDELE 1\r\nRETR 2\r\nNOOP\r\n");
    bench.Settle(microseconds(25 * step));
    bench.AbortAll();
    const Record& record = bench.RunToEnd();
    EXPECT_EQ(record.reason, EndReason::kShutdown);
    EXPECT_NE(client.end(), PeerEnd::kOpen);
    EXPECT_THAT(client.received(), Not(HasSubstr("SYS/TEMP")));
    EXPECT_THAT(bench.node(1 - first).received(), Not(HasSubstr("QUIT")));
    // That we ended it is no fault of the node's.
    EXPECT_THAT(bench.meter.calls, Not(Contains(HasSubstr("cancelled"))));
    const auto count = [&bench](std::string_view call) {
      return std::count_if(bench.meter.calls.begin(), bench.meter.calls.end(),
                           [call](const std::string& made) { return made.starts_with(call); });
    };
    EXPECT_EQ(count("node+"), count("node-"));
    EXPECT_EQ(record.deletes, 0u);
    reached_relay += record.logged_in ? 1 : 0;
  }
  EXPECT_GT(reached_relay, 20);
  EXPECT_LT(reached_relay, 130);
}

TEST(SessionEndTest, AbortWhileLingering) {
  SessionBench bench;
  bench.Ask(bench.Connect(), "QUIT\r\n");
  ASSERT_FALSE(bench.sessions().empty());
  bench.AbortAll();
  bench.AbortAll();
  EXPECT_EQ(bench.RunToEnd(milliseconds(100)).reason, EndReason::kQuit);
}

}  // namespace
}  // namespace poplar::session
