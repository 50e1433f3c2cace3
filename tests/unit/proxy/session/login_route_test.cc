// Where a login goes: rules, maps, directories, and what they change of the credential.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using directory::Answer;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using Target = RouteTarget;

const std::string kTemporary(pop3::kReplyTemporary);
const std::string kRefused(pop3::kReplyLoginRefused);
constexpr char kLoggedIn[] = "+OK Logged in.\r\n";
constexpr size_t kMail = 0;
constexpr size_t kArchive = 1;  // nodes, and clusters

// One map and one directory, in the test's hands.
class ScriptedLookups final : public Lookups {
 public:
  std::optional<directory::Found> InMap(size_t map, std::string_view user) override {
    EXPECT_EQ(map, 0u);
    asked_of_map.emplace_back(user);
    return in_map;
  }
  io::Task<Answer> Ask(size_t index, directory::Question question) override {
    EXPECT_EQ(index, 0u);
    questions.push_back(std::move(question));
    co_return answer;
  }

  std::optional<directory::Found> in_map;
  Answer answer;
  std::vector<std::string> asked_of_map;
  std::vector<directory::Question> questions;
};

class RouteTest : public testing::Test {
 protected:
  void Build(std::vector<balancer::RouteRule> rules, std::vector<Target> targets,
             SessionBench::Options options = {}) {
    options.archive_nodes = 1;
    options.lookups = &lookups_;
    options.edit = [rules, targets, edit = options.edit](Settings& settings) {
      settings.routing.rules = *balancer::RouteTable::Build(rules);
      settings.routing.targets = targets;
      for (size_t i = 0; i < settings.clusters.size(); ++i) {
        const std::string& name = settings.clusters[i]->name;
        settings.routing.places[name] = {balancer::ClusterId(i), {}};
        settings.routing.places[name + "/own"] = {balancer::ClusterId(i), balancer::NodeId(i)};
      }
      if (edit) edit(settings);
    };
    bench_.emplace(options);
  }
  void BuildMap() { Build({{.name = "by map"}}, {{Target::Kind::kUserMap, {}, 0}}); }
  void BuildDirectory(SessionBench::Options options = {}) {
    Build({{.name = "by directory"}}, {{Target::Kind::kDirectory, {}, 0}}, std::move(options));
  }
  std::string LogIn(std::string_view user) {
    client_ = &bench_->Connect();
    return bench_->LogIn(*client_, user);
  }
  size_t LoginsAt(size_t node) { return bench_->node(node).connections().size(); }
  std::string CommandsAt(size_t node) { return bench_->node(node).received(); }

  ScriptedLookups lookups_;
  std::optional<SessionBench> bench_;
  upstream::DrivenPeer* client_ = nullptr;
};

TEST_F(RouteTest, TheFirstRuleThatFitsDecides) {
  Build({{.name = "archive", .domains = {"old.example"}}, {.name = "rest"}},
        {{Target::Kind::kCluster, balancer::ClusterId(kArchive), 0},
         {Target::Kind::kCluster, balancer::ClusterId(kMail), 0}});
  EXPECT_EQ(LogIn("anna@old.example"), kLoggedIn);
  EXPECT_EQ(LoginsAt(kArchive), 1u);
  bench_->Ask(*client_, "QUIT\r\n");
  EXPECT_EQ(bench_->RunToEnd().route, "archive");
  EXPECT_EQ(bench_->log.records.back().node, "archive/n1");
  EXPECT_EQ(LogIn("anna@new.example"), kLoggedIn);
  EXPECT_EQ(LoginsAt(kMail), 1u);
}

TEST_F(RouteTest, WhomNoRuleFitsIsInTheListenersCluster) {
  Build({{.name = "archive", .domains = {"old.example"}}},
        {{Target::Kind::kCluster, balancer::ClusterId(kArchive), 0}});
  EXPECT_EQ(LogIn("anna"), kLoggedIn);
  EXPECT_EQ(LoginsAt(kMail), 1u);
  bench_->Ask(*client_, "QUIT\r\n");
  EXPECT_EQ(bench_->RunToEnd().route, "");
}

TEST_F(RouteTest, AMapSendsAUserToAClusterUnderAnotherName) {
  BuildMap();
  lookups_.in_map = directory::Found{.place = "archive", .login = "a4711"};
  EXPECT_EQ(LogIn("Anna"), kLoggedIn);
  EXPECT_THAT(lookups_.asked_of_map, ElementsAre("anna"));
  EXPECT_THAT(CommandsAt(kArchive), HasSubstr("USER a4711\r\nPASS secret\r\n"));
  bench_->Ask(*client_, "QUIT\r\n");
  EXPECT_EQ(bench_->RunToEnd().user, "anna");
}

TEST_F(RouteTest, WhoIsNotInTheMapIsAMatterOfTheNextRule) {
  Build({{.name = "map"}, {.name = "rest"}},
        {{Target::Kind::kUserMap, {}, 0},
         {Target::Kind::kCluster, balancer::ClusterId(kArchive), 0}});
  EXPECT_EQ(LogIn("anna"), kLoggedIn);
  EXPECT_EQ(LoginsAt(kArchive), 1u);
}

TEST_F(RouteTest, APlaceThatThereIsNotServesNobody) {
  BuildMap();
  lookups_.in_map = directory::Found{.place = "elsewhere"};
  EXPECT_EQ(LogIn("anna"), kTemporary);
  EXPECT_EQ(LoginsAt(kMail) + LoginsAt(kArchive), 0u);
  client_->HalfClose();
  EXPECT_THAT(std::string(bench_->RunToEnd().failure),
              HasSubstr("no cluster or node is called elsewhere"));
  EXPECT_THAT(bench_->meter.calls, Contains("login directory_unavailable"));
}

TEST_F(RouteTest, AHostOfSeveralNodesServesNobody) {
  lookups_.in_map = directory::Found{.place = "mail.example.org"};
  Build({{.name = "map"}}, {{Target::Kind::kUserMap, {}, 0}},
        {.nodes = 4, .edit = [](Settings& settings) {
           for (const uint32_t node : {2u, 3u}) {
             settings.routing.AddHost("mail.example.org",
                                      {balancer::ClusterId(kMail), balancer::NodeId(node)});
           }
         }});
  EXPECT_EQ(LogIn("anna"), kTemporary);
  client_->HalfClose();
  EXPECT_EQ(bench_->RunToEnd().failure,
            "ambiguous_place: several nodes are on the host mail.example.org; host:port or "
            "cluster/node would tell which");
}

// The order of the cluster's nodes is by the user's name; the map's word counts for more.
TEST_F(RouteTest, AUserMayBeOnANodeInParticular) {
  for (const char* user : {"alice", "bob", "carol", "dave", "erin", "frank"}) {
    lookups_.in_map = directory::Found{.place = "mail/last"};
    Build({{.name = "map"}}, {{Target::Kind::kUserMap, {}, 0}},
          {.nodes = 4, .edit = [](Settings& settings) {
             settings.routing.places["mail/last"] = {balancer::ClusterId(kMail),
                                                     balancer::NodeId(3)};
           }});
    EXPECT_EQ(LogIn(user), kLoggedIn);
    EXPECT_EQ(LoginsAt(3), 1u) << user;
  }
}

TEST_F(RouteTest, ADirectoryIsToldWhatItMayAsk) {
  BuildDirectory();
  lookups_.answer = {.kind = Answer::Kind::kFound, .found = {.place = "archive/own"}};
  EXPECT_EQ(LogIn("Anna"), kLoggedIn);
  ASSERT_EQ(lookups_.questions.size(), 1u);
  const directory::Question& question = lookups_.questions.front();
  EXPECT_EQ(question.user, "anna");
  EXPECT_EQ(question.login, "Anna");
  EXPECT_EQ(question.mechanism, "USER");
  EXPECT_EQ(question.secret.Expose(), "secret");
  EXPECT_EQ(question.listener, "pop3");
  EXPECT_EQ(question.attempt, 1);
  EXPECT_NE(question.session, 0u);
  EXPECT_NE(question.client.Text(), "");
  EXPECT_EQ(LoginsAt(kArchive), 1u);
}

TEST_F(RouteTest, ADirectoryMayGiveAnotherNameAndPassword) {
  BuildDirectory();
  lookups_.answer = {.kind = Answer::Kind::kFound,
                     .found = {.place = "archive",
                               .login = "a4711",
                               .password = std::make_shared<const pop3::Secret>("inner")}};
  EXPECT_EQ(LogIn("anna"), kLoggedIn);
  EXPECT_THAT(CommandsAt(kArchive), HasSubstr("USER a4711\r\nPASS inner\r\n"));
}

TEST_F(RouteTest, ANameFromADirectoryCannotSmuggleCommands) {
  BuildDirectory();
  lookups_.answer = {.kind = Answer::Kind::kFound,
                     .found = {.place = "archive", .login = "a\r\nDELE 1"}};
  EXPECT_EQ(LogIn("anna"), kRefused);
  EXPECT_EQ(CommandsAt(kArchive), "");
}

TEST_F(RouteTest, ADirectoryRefusesInItsOwnWordsAndInItsOwnTime) {
  BuildDirectory();
  lookups_.answer = {
      .kind = Answer::Kind::kRefused, .text = "Account suspended", .wait = seconds(3)};
  EXPECT_EQ(LogIn("anna"), "");
  bench_->Settle(seconds(2));
  EXPECT_EQ(client_->received(), "");
  bench_->Settle(seconds(2));
  EXPECT_EQ(client_->received(), "-ERR Account suspended\r\n");
  // The client may try again.
  client_->Forget();
  lookups_.answer = {.kind = Answer::Kind::kFound, .found = {.place = "mail"}};
  EXPECT_EQ(bench_->LogIn(*client_, "anna"), kLoggedIn);
  EXPECT_EQ(lookups_.questions.back().attempt, 2);
  EXPECT_THAT(bench_->meter.calls, Contains("login rejected"));
}

TEST_F(RouteTest, ADirectoryMayWantToBeAskedAgain) {
  BuildDirectory();
  lookups_.answer = {.kind = Answer::Kind::kNotYet, .wait = seconds(3)};
  EXPECT_EQ(LogIn("anna"), "");
  bench_->Settle(seconds(2));
  EXPECT_EQ(lookups_.questions.size(), 1u);
  bench_->Settle(seconds(2));
  EXPECT_EQ(lookups_.questions.size(), 2u);
  lookups_.answer = {.kind = Answer::Kind::kFound, .found = {.place = "archive"}};
  bench_->Settle(seconds(4));
  EXPECT_EQ(client_->received(), kLoggedIn);
  EXPECT_EQ(lookups_.questions.size(), 3u);
  EXPECT_EQ(lookups_.questions.back().attempt, 1);
  EXPECT_EQ(LoginsAt(kArchive), 1u);
}

TEST_F(RouteTest, ADirectoryIsNotAskedAgainForEver) {
  BuildDirectory();
  lookups_.answer = {.kind = Answer::Kind::kNotYet, .wait = seconds(3)};
  EXPECT_EQ(LogIn("anna"), "");
  bench_->Settle(std::chrono::minutes(2));
  EXPECT_EQ(client_->received(), kTemporary);
  client_->HalfClose();
  EXPECT_THAT(std::string(bench_->RunToEnd().failure), HasSubstr("wants to be asked again later"));
}

TEST_F(RouteTest, AClientThatLeavesIsNotAskedForAgain) {
  BuildDirectory();
  lookups_.answer = {.kind = Answer::Kind::kNotYet, .wait = seconds(3)};
  EXPECT_EQ(LogIn("anna"), "");
  client_->HalfClose();
  EXPECT_EQ(bench_->RunToEnd().reason, EndReason::kClientEof);
  EXPECT_EQ(lookups_.questions.size(), 1u);
}

TEST_F(RouteTest, WhomTheDirectoryDoesNotKnowIsInTheListenersCluster) {
  BuildDirectory();
  lookups_.answer = {.kind = Answer::Kind::kUnknown};
  EXPECT_EQ(LogIn("anna"), kLoggedIn);
  EXPECT_EQ(LoginsAt(kMail), 1u);
}

TEST_F(RouteTest, ADirectoryThatIsDownIsTrouble) {
  BuildDirectory();
  lookups_.answer = {.kind = Answer::Kind::kUnavailable, .text = "auth: no answer"};
  EXPECT_EQ(LogIn("anna"), kTemporary);
  EXPECT_EQ(LoginsAt(kMail) + LoginsAt(kArchive), 0u);
  client_->HalfClose();
  EXPECT_EQ(bench_->RunToEnd().failure, "auth: no answer");
}

TEST_F(RouteTest, AClusterMayRefuseTheClientsAddress) {
  BuildDirectory({.edit = [](Settings& settings) {
    settings.cluster_policies.resize(2);
    settings.cluster_policies[kArchive].access.deny.Add(*io::Network::Parse("0.0.0.0/0"));
  }});
  lookups_.answer = {.kind = Answer::Kind::kFound, .found = {.place = "archive"}};
  EXPECT_EQ(LogIn("anna"), kRefused);
  EXPECT_EQ(LoginsAt(kArchive), 0u);
}

// The session goes on where it was, under the name that its node knows, and nobody is asked again.
TEST_F(RouteTest, AResumedSessionStaysWhereItWas) {
  BuildDirectory({.shared_storage = true, .resume = {.enabled = true}});
  lookups_.answer = {.kind = Answer::Kind::kFound, .found = {.place = "archive", .login = "a4711"}};
  ASSERT_EQ(LogIn("anna"), kLoggedIn);
  bench_->node(kArchive).set_answer("NOOP", {"+OK\r\n"});
  bench_->node(kArchive).last().Reset();
  EXPECT_THAT(bench_->Ask(*client_, "NOOP\r\n"), HasSubstr("+OK"));
  EXPECT_EQ(LoginsAt(kArchive), 2u);
  EXPECT_THAT(CommandsAt(kArchive), testing::EndsWith("USER a4711\r\nPASS secret\r\nNOOP\r\n"));
  EXPECT_EQ(lookups_.questions.size(), 1u);
}

}  // namespace
}  // namespace poplar::session
