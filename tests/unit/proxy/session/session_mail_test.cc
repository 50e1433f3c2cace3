// Whole sessions with a correct node: what arrives through Poplar is what the node itself says, and
// what is deleted is what was committed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/demo/mail_store.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using PeerEnd = upstream::DrivenPeer::End;

std::string Mail(int number) {
  std::string text = "Subject: " + std::to_string(number) + "\r\n\r\n";
  text +=
      ".\r\n..\r\n.dot\r\nend.\r\n\xe9\x80\x80\r\n" + std::string(900, 'a') + "\r\n\n.\nbare\r\n";
  for (int i = 0; i < number * 200; ++i) text += "line " + std::to_string(i) + "\r\n";
  return text;
}

class SessionMailTest : public testing::Test {
 protected:
  void SetUp() override {
    store_.AddUser("alice", "secret");
    for (int i = 1; i <= 5; ++i) store_.AddMessage("alice", Mail(i));
  }

  SessionBench::Options WithStore(uint64_t seed = 7) {
    return {.seed = seed, .nodes = 2, .store = &store_};
  }
  size_t Left() const { return store_.Messages("alice")->size(); }

  demo::MailStore store_;
};

constexpr char kLogin[] = "USER alice\r\nPASS secret\r\n";
constexpr char kReading[] =
    "CAPA\r\nSTAT\r\nLIST\r\nUIDL\r\nLIST 2\r\nUIDL 3\r\nRETR 1\r\nTOP 2 3\r\nRETR 5\r\nRETR 6\r\n"
    "TOP 1 99999999\r\nDELE 1\r\nLIST 1\r\nRSET\r\nLIST 1\r\nLAST\r\nNOOP\r\nRETR 4\r\n";

TEST_F(SessionMailTest, EveryByteAsFromTheNodeItself) {
  std::string direct;
  {
    SessionBench bench(WithStore());
    upstream::DrivenPeer& client = bench.ConnectToNode(0);
    bench.Ask(client, kLogin);
    direct = bench.Ask(client, kReading);
  }
  ASSERT_GT(direct.size(), 20'000u);
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    SessionBench::Options options = WithStore(seed);
    simulation::SeededRandom random(seed, "faults");
    options.faults = simulation::Faults::Draw(random);
    options.faults.reset = options.faults.silence = options.faults.stall = 0;
    options.faults.connect_refused = options.faults.connect_lost = 0;
    options.faults.accept_error = 0;
    options.faults.bytes_per_second = 0;
    SessionBench bench(options);
    upstream::DrivenPeer& client = bench.Connect();
    client.Send(kLogin);
    client.Send(kReading);
    client.HalfClose();
    const Record& record = bench.RunToEnd(std::chrono::minutes(30));
    EXPECT_EQ(record.reason, EndReason::kClientEof);
    bench.Run([&client] { return client.end() != PeerEnd::kOpen; }, std::chrono::minutes(30));
    EXPECT_EQ(client.end(), PeerEnd::kOrderly);
    EXPECT_TRUE(client.received().ends_with(direct)) << client.received().size();
    EXPECT_EQ(record.messages, 4u);
    EXPECT_EQ(record.deletes, 0u);
    EXPECT_EQ(Left(), 5u);
  }
}

TEST_F(SessionMailTest, QuitCommits) {
  SessionBench bench(WithStore());
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  EXPECT_EQ(bench.Ask(client, "DELE 1\r\nDELE 1\r\nRSET\r\nDELE 2\r\nDELE 4\r\nQUIT\r\n"),
            "+OK Marked\r\n-ERR No such message\r\n+OK\r\n+OK Marked\r\n+OK Marked\r\n"
            "+OK Bye, 2 messages deleted\r\n");
  EXPECT_EQ(bench.RunToEnd().deletes, 2u);
  EXPECT_EQ(Left(), 3u);
}

// However the client goes without a QUIT of its own, at whichever instant.
TEST_F(SessionMailTest, WhoVanishesCommitsNothing) {
  for (uint64_t step = 0; step < 60; ++step) {
    for (const bool reset : {true, false}) {
      SCOPED_TRACE(step);
      SessionBench bench(WithStore(step + 1));
      upstream::DrivenPeer& client = bench.Connect();
      client.Send(kLogin);
      client.Send("DELE 1\r\nRETR 5\r\nDELE 2\r\nQUI");
      bench.Settle(std::chrono::microseconds(50 * step));
      if (reset) {
        client.Reset();
      } else {
        client.HalfClose();
      }
      const Record& record = bench.RunToEnd();
      EXPECT_EQ(SideOf(record.reason), Side::kClient);
      EXPECT_EQ(record.deletes, 0u);
      EXPECT_EQ(Left(), 5u);
      bench.Settle(std::chrono::seconds(5));
      EXPECT_EQ(store_.OpenCount("alice"), 0);
    }
  }
}

// The record claims a delete only if the node made it so, and the client is told +OK only then.
TEST_F(SessionMailTest, ANodeKilledAroundQuit) {
  for (uint64_t step = 0; step < 60; ++step) {
    SCOPED_TRACE(step);
    demo::MailStore store;
    store.AddUser("alice", "secret");
    store.AddMessage("alice", Mail(1));
    SessionBench bench({.seed = step + 1, .store = &store});
    upstream::DrivenPeer& client = bench.Connect();
    bench.LogIn(client);
    client.Send("DELE 1\r\nQUIT\r\n");
    bench.Settle(std::chrono::microseconds(20 * step));
    bench.KillMailNode(0);
    const Record& record = bench.RunToEnd();
    const bool told = client.received().ends_with("+OK Bye, 1 messages deleted\r\n");
    EXPECT_EQ(record.deletes, told ? 1u : 0u);
    EXPECT_EQ(record.reason == EndReason::kQuit, told);
    if (told) EXPECT_EQ(store.Messages("alice")->size(), 0u);
  }
}

TEST_F(SessionMailTest, ALockedMaildropIsTold) {
  SessionBench::Options options = WithStore();
  options.mail_node.exclusive_lock = true;
  SessionBench bench(options);
  upstream::DrivenPeer& first = bench.Connect();
  EXPECT_EQ(bench.LogIn(first), "+OK Logged in, 5 messages\r\n");
  upstream::DrivenPeer& second = bench.Connect();
  EXPECT_TRUE(bench.LogIn(second).starts_with("-ERR [IN-USE] "));
  bench.Ask(first, "QUIT\r\n");
  EXPECT_EQ(bench.LogIn(second), "+OK Logged in, 5 messages\r\n");
}

}  // namespace
}  // namespace poplar::session
