// Users who are moved to another cluster: where their logins go, what they wait for, and how the
// sessions end that they have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "proxy/session/parked_elsewhere.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using balancer::ClusterId;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kTemporary(pop3::kReplyTemporary);
const std::string kMovedAway(pop3::kReplyMoved);
constexpr char kLoggedIn[] = "+OK Logged in.\r\n";
constexpr size_t kMail = 0;
constexpr size_t kArchive = 1;  // nodes, and clusters

class MoveTest : public testing::Test {
 protected:
  void Build(SessionBench::Options options = {}, uint32_t permille = 0) {
    options.archive_nodes = 1;
    options.edit = [this, permille](Settings& settings) {
      settings.moves = moves_ = std::make_shared<balancer::Moves>(std::vector<balancer::MoveRule>{
          {"away", ClusterId{kMail}, ClusterId{kArchive}, {"alice", "carl"}, {}, permille}});
    };
    bench_.emplace(options);
    for (size_t node : {kMail, kArchive}) {
      bench_->node(node).set_answer("RETR", {"+OK\r\nhalf "});
      bench_->node(node).set_answer("STAT", {"+OK 1 9\r\n"});
    }
  }

  // As the server and its workers do it.
  void Set(uint32_t permille) {
    moves_->SetPermille(0, permille);
    for (Session* session : bench_->sessions()) session->LookAtMoves();
    EndParkedOf(bench_->environment(), bench_->settings(), 0);
    bench_->Settle();
  }

  std::string LogIn(std::string_view user = "alice") {
    client_ = &bench_->Connect();
    return bench_->LogIn(*client_, user);
  }
  upstream::DrivenPeer& Downloading() {
    EXPECT_EQ(LogIn(), kLoggedIn);
    EXPECT_EQ(bench_->Ask(*client_, "RETR 1\r\n"), "+OK\r\nhalf ");
    return *client_;
  }
  void FinishDownload(size_t node) {
    bench_->node(node).last().Send("mail\r\n.\r\n");
    bench_->Settle();
  }
  const Record& Ended(std::string_view user) {
    bench_->Run([&] { return Find(user) != nullptr; }, seconds(5));
    return *Find(user);
  }
  size_t LoginsAt(size_t node) { return bench_->node(node).connections().size(); }
  balancer::Moves::Counts& counts() { return moves_->counts(0); }
  uint32_t Leases(size_t cluster) {
    return bench_->affinity().LeasesOf(ClusterId(cluster),
                                       balancer::CanonicalUser::FromCanonical("alice"));
  }

  std::shared_ptr<balancer::Moves> moves_;
  std::optional<SessionBench> bench_;
  upstream::DrivenPeer* client_ = nullptr;

 private:
  const Record* Find(std::string_view user) {
    const Record* found = nullptr;
    for (const Record& record : bench_->log.records) {
      if (record.user == user) found = &record;
    }
    return found;
  }
};

TEST_F(MoveTest, LoginsGoWhereTheShareSays) {
  Build();
  EXPECT_EQ(LogIn(), kLoggedIn);
  EXPECT_EQ(LoginsAt(kMail), 1U);
  bench_->Ask(*client_, "QUIT\r\n");
  client_->HalfClose();
  EXPECT_EQ(bench_->RunToEnd().move, "");
  Set(balancer::kAllPermille);
  EXPECT_EQ(LogIn(), kLoggedIn);
  EXPECT_EQ(LoginsAt(kArchive), 1U);
  bench_->Ask(*client_, "QUIT\r\n");
  client_->HalfClose();
  const Record& record = bench_->RunToEnd();
  EXPECT_EQ(record.move, "away");
  EXPECT_EQ(record.node, "archive/n1");
  EXPECT_EQ(LogIn("bob"), kLoggedIn);
  EXPECT_EQ(LoginsAt(kArchive), 1U);
  EXPECT_EQ(counts().landed, 1U);
}

TEST_F(MoveTest, AnIdleSessionEndsAtOnce) {
  Build();
  EXPECT_EQ(LogIn(), kLoggedIn);
  client_->Forget();
  Set(balancer::kAllPermille);
  EXPECT_EQ(client_->received(), kMovedAway);
  client_->HalfClose();
  const Record& record = bench_->RunToEnd();
  EXPECT_EQ(record.reason, EndReason::kMoved);
  EXPECT_EQ(record.move, "away");
  EXPECT_THAT(bench_->node(kMail).received(), testing::Not(testing::HasSubstr("QUIT")));
  EXPECT_EQ(counts().ended, 1U);
  EXPECT_EQ(counts().ending, 0);
}

TEST_F(MoveTest, OthersAreLeftAlone) {
  Build();
  EXPECT_EQ(LogIn("bob"), kLoggedIn);
  client_->Forget();
  Set(balancer::kAllPermille);
  EXPECT_EQ(bench_->Ask(*client_, "STAT\r\n"), "+OK 1 9\r\n");
}

TEST_F(MoveTest, ALoginWaitsUntilTheDownloadIsThrough) {
  Build();
  upstream::DrivenPeer& first = Downloading();
  Set(balancer::kAllPermille);
  EXPECT_EQ(counts().ending, 1);
  EXPECT_EQ(LogIn(), "");
  EXPECT_EQ(counts().waiting, 1);
  EXPECT_EQ(LoginsAt(kArchive), 0U);
  EXPECT_EQ(Leases(kArchive), 0U);
  FinishDownload(kMail);
  EXPECT_THAT(first.received(), testing::EndsWith("mail\r\n.\r\n" + kMovedAway));
  bench_->Settle();
  EXPECT_THAT(client_->received(), testing::EndsWith(kLoggedIn));
  EXPECT_EQ(LoginsAt(kArchive), 1U);
  EXPECT_EQ(counts().waiting, 0);
  EXPECT_EQ(Leases(kMail), 0U);
}

TEST_F(MoveTest, NoLongerThanMoveWait) {
  Timeouts timeouts;
  timeouts.move_wait = seconds(3);
  Build({.timeouts = timeouts});
  Downloading();
  Set(balancer::kAllPermille);
  EXPECT_EQ(LogIn(), "");
  bench_->Settle(seconds(2));
  EXPECT_EQ(client_->received().find("-ERR"), std::string::npos);
  bench_->Settle(seconds(2));
  EXPECT_THAT(client_->received(), testing::EndsWith(kTemporary));
  EXPECT_EQ(counts().waited_too_long, 1U);
  EXPECT_EQ(counts().waiting, 0);
}

TEST_F(MoveTest, NorThanTheLoginMayTake) {
  Timeouts timeouts;
  timeouts.login = seconds(2);
  Build({.timeouts = timeouts});
  Downloading();
  Set(balancer::kAllPermille);
  EXPECT_EQ(LogIn(), "");
  bench_->Settle(seconds(3));
  EXPECT_THAT(client_->received(), testing::EndsWith(kTemporary));
  EXPECT_EQ(counts().waiting, 0);
}

TEST_F(MoveTest, AClientThatLeavesWaitsNoMore) {
  Build();
  Downloading();
  Set(balancer::kAllPermille);
  EXPECT_EQ(LogIn(), "");
  client_->HalfClose();
  bench_->Settle();
  EXPECT_EQ(counts().waiting, 0);
  EXPECT_EQ(Ended("alice").reason, EndReason::kClientEof);
}

TEST_F(MoveTest, AfterTheGraceASessionIsCut) {
  Timeouts timeouts;
  timeouts.move_grace = seconds(5);
  Build({.timeouts = timeouts});
  upstream::DrivenPeer& first = Downloading();
  Set(balancer::kAllPermille);
  bench_->Settle(seconds(4));
  EXPECT_EQ(counts().ending, 1);
  bench_->Settle(seconds(2));
  EXPECT_EQ(counts().ending, 0);
  EXPECT_EQ(first.received().find("-ERR"), std::string::npos);
  EXPECT_EQ(Ended("alice").reason, EndReason::kMoved);
}

// Said while the node is asked: the login is answered, and the session is none.
TEST_F(MoveTest, ALoginUnderWayEndsAsSoonAsItIsOne) {
  Build();
  bench_->node(kMail).set_answer("PASS", {""});
  EXPECT_EQ(LogIn(), "");
  Set(balancer::kAllPermille);
  bench_->node(kMail).last().Send(kLoggedIn);
  bench_->Settle();
  EXPECT_THAT(client_->received(), testing::EndsWith(kLoggedIn + kMovedAway));
}

// Before anything was told to a node the login goes to the other one.
TEST_F(MoveTest, ALoginInTheQueueChangesOver) {
  Build({.pool = {.size = 1, .warm = 0, .max_snapshot_age = io::Duration(0)}});
  EXPECT_EQ(LogIn("bob"), kLoggedIn);
  EXPECT_EQ(LogIn(), "");
  EXPECT_EQ(Leases(kMail), 1U);
  Set(balancer::kAllPermille);
  bench_->Settle(seconds(1));
  EXPECT_THAT(client_->received(), testing::EndsWith(kLoggedIn));
  EXPECT_EQ(LoginsAt(kArchive), 1U);
  EXPECT_EQ(Leases(kMail), 0U);
}

TEST_F(MoveTest, AndBack) {
  Build({}, balancer::kAllPermille);
  upstream::DrivenPeer& first = Downloading();
  EXPECT_EQ(LoginsAt(kArchive), 1U);
  Set(0);
  EXPECT_EQ(LogIn(), "");
  FinishDownload(kArchive);
  bench_->Settle();
  EXPECT_THAT(first.received(), testing::EndsWith(kMovedAway));
  EXPECT_THAT(client_->received(), testing::EndsWith(kLoggedIn));
  EXPECT_EQ(LoginsAt(kMail), 1U);
}

class ParkedMoveTest : public MoveTest {
 protected:
  void BuildPool() { Build({.pool = {.warm = 0, .max_snapshot_age = seconds(60)}}); }
  void Visit(std::string_view user = "alice") {
    EXPECT_THAT(LogIn(user), testing::StartsWith("+OK"));
    bench_->Ask(*client_, "QUIT\r\n");
    client_->HalfClose();
    bench_->RunToEnd();
  }
  std::string NodeGot(size_t node) { return bench_->node(node).received(); }
};

TEST_F(ParkedMoveTest, EndsWithQuit) {
  BuildPool();
  Visit();
  Visit("bob");
  EXPECT_THAT(NodeGot(kMail), testing::Not(testing::HasSubstr("QUIT")));
  Set(balancer::kAllPermille);
  EXPECT_THAT(NodeGot(kMail), testing::HasSubstr("QUIT"));
  EXPECT_EQ(bench_->pool_of(kMail).pool.counts().parked, 1U);
  EXPECT_EQ(Leases(kMail), 0U);
}

// A login ends it too, and waits for that: whoever parked it may not have known yet.
TEST_F(ParkedMoveTest, EndsForTheNextLogin) {
  BuildPool();
  Visit();
  moves_->SetPermille(0, balancer::kAllPermille);
  bench_->node(kMail).set_answer("QUIT", {""});
  EXPECT_EQ(LogIn(), "");
  EXPECT_THAT(NodeGot(kMail), testing::HasSubstr("QUIT"));
  EXPECT_EQ(LoginsAt(kArchive), 0U);
  bench_->node(kMail).last().Send("+OK bye\r\n");
  bench_->node(kMail).last().HalfClose();
  bench_->Settle();
  EXPECT_THAT(client_->received(), testing::EndsWith(kLoggedIn));
  EXPECT_EQ(LoginsAt(kArchive), 1U);
}

// What leaves with QUIT after the change isn't kept.
TEST_F(ParkedMoveTest, NothingIsParkedWhereTheUserNoLongerIs) {
  BuildPool();
  EXPECT_EQ(LogIn(), kLoggedIn);
  client_->Send("STAT\r\nQUIT\r\n");
  moves_->SetPermille(0, balancer::kAllPermille);
  for (Session* session : bench_->sessions()) session->LookAtMoves();
  client_->HalfClose();
  bench_->RunToEnd();
  EXPECT_EQ(bench_->pool_of(kMail).pool.counts().parked, 0U);
}

// A session whose node is lost meanwhile isn't logged in again where its user no longer is.
TEST_F(MoveTest, ALostSessionIsNotResumedThere) {
  Build({.shared_storage = true, .resume = {.enabled = true}});
  EXPECT_EQ(LogIn(), kLoggedIn);
  bench_->node(kMail).last().Reset();
  bench_->Settle();
  moves_->SetPermille(0, balancer::kAllPermille);
  EXPECT_EQ(bench_->Ask(*client_, "STAT\r\n"), pop3::kReplyNodeLost);
  EXPECT_EQ(LoginsAt(kMail), 1U);
  EXPECT_EQ(LoginsAt(kArchive), 0U);
  client_->HalfClose();
  EXPECT_EQ(Ended("alice").not_resumed, "moved");
}

TEST_F(MoveTest, WithoutAffinityNobodyWaits) {
  Build({.affinity = false});
  Downloading();
  Set(balancer::kAllPermille);
  EXPECT_EQ(LogIn(), kLoggedIn);
  EXPECT_EQ(LoginsAt(kArchive), 1U);
}

}  // namespace
}  // namespace poplar::session
