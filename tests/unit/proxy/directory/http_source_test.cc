#include "proxy/directory/http_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "tests/simulation/network.h"
#include "tests/unit/proxy/upstream/scripted_node.h"
#include "tests/unit/proxy/upstream/scripted_resolver.h"

namespace poplar::directory {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;
using upstream::ScriptedNode;
using Kind = Answer::Kind;
using Then = ScriptedNode::Answer::Then;

constexpr char kFound[] =
    "HTTP/1.1 200 OK\r\nAuth-Status: OK\r\nAuth-Cluster: mail\r\nContent-Length: 0\r\n\r\n";

// Services that answer as they were told to, and one worker's source.
class HttpSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    for (size_t i = 0; i < 2; ++i) {
      const std::string host = "192.0.2." + std::to_string(i + 1);
      services_.emplace_back(network_, "service" + std::to_string(i), host);
      services_.back().set_greeting({""});
      Answers(i, kFound);
      settings_.servers.push_back({.url = "http://" + host + "/",
                                   .authority = host,
                                   .target = "/auth",
                                   .host = host,
                                   .port = services_.back().address().port()});
    }
    settings_.name = "auth";
    settings_.names.resolver = &resolver_;
    source_.emplace(poplar_, scope_, settings_);
  }
  void TearDown() override {
    source_->Stop();
    resolver_.Stop();
    Run([this] { return scope_.count() == 0; });
    source_.reset();
    for (ScriptedNode& service : services_) service.Stop();
    EXPECT_TRUE(Run([this] {
      return std::all_of(services_.begin(), services_.end(),
                         [](const ScriptedNode& each) { return each.idle(); });
    })) << world_.why_not();
    for (ScriptedNode& service : services_) service.connections().clear();
    poplar_.MustBeIdle();
  }

  // At the blank line that ends a request.
  void Answers(size_t service, std::string bytes, Then then = Then::kStay) {
    services_[service].set_answer("", {std::move(bytes), then});
  }
  // The only server is a name that has these addresses; none: it isn't found.
  void KnowByName(const std::vector<std::string>& addresses) {
    settings_.servers.resize(1);
    settings_.servers[0].host = "auth.test";
    if (!addresses.empty()) resolver_.SetHost("auth.test", addresses);
    source_.emplace(poplar_, scope_, settings_);
  }
  void StopService(size_t service) {
    services_[service].StopListening();
    for (upstream::DrivenPeer& peer : services_[service].connections()) peer.Reset();
  }
  size_t Connections(size_t service) { return services_[service].connections().size(); }

  bool Run(const std::function<bool()>& predicate, io::Duration most = minutes(5)) {
    return world_.RunUntil(predicate, most);
  }
  io::Task<void> AskTask(std::optional<Answer>* answer) {
    Question question;
    question.login = "anna";
    question.mechanism = "USER";
    question.secret = pop3::Secret("secret");
    question.client = *io::Address::Parse("192.0.2.99", 1);
    *answer = co_await source_->Ask(question);
  }
  static io::Task<void> Sleep(io::Proactor* proactor, io::Duration time, bool* over) {
    co_await proactor->Sleep(time);
    *over = true;
  }
  void Pass(io::Duration time) {
    bool over = false;
    scope_.Spawn(Sleep(&poplar_, time, &over));
    EXPECT_TRUE(Run([&] { return over; }));
  }
  std::optional<Answer>& Begin() {
    std::optional<Answer>& answer = answers_.emplace_back();
    scope_.Spawn(AskTask(&answer));
    return answer;
  }
  Answer Ask() {
    const std::optional<Answer>& answer = Begin();
    EXPECT_TRUE(Run([&] { return answer.has_value(); })) << world_.why_not();
    return answer.value_or(Answer{});
  }

  simulation::World world_{7};
  simulation::Network network_{world_, {}};
  simulation::SimProactor poplar_{network_, "poplar", *io::Address::Parse("192.0.2.50", 0)};
  io::TaskScope scope_{poplar_.ready()};
  upstream::ScriptedResolver resolver_;
  std::deque<ScriptedNode> services_;
  HttpSettings settings_;
  std::optional<HttpSource> source_;
  std::deque<std::optional<Answer>> answers_;
};

TEST_F(HttpSourceTest, AsksAndKeepsTheConnection) {
  for (int i = 0; i < 3; ++i) {
    const Answer answer = Ask();
    EXPECT_EQ(answer.kind, Kind::kFound) << answer.text;
    EXPECT_EQ(answer.found.place, "mail");
  }
  EXPECT_EQ(Connections(0), 1u);
  EXPECT_EQ(Connections(1), 0u);
  EXPECT_THAT(services_[0].received(), StartsWith("GET /auth HTTP/1.1\r\nHost: 192.0.2.1\r\n"));
}

TEST_F(HttpSourceTest, TakesAnotherConnectionWhereTheServiceClosesThem) {
  Answers(0, kFound, Then::kClose);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Ask().kind, Kind::kFound);
  EXPECT_EQ(Connections(0), 3u);
  Answers(0, "HTTP/1.0 200 OK\r\nAuth-Status: no\r\n\r\n", Then::kClose);
  EXPECT_EQ(Ask().kind, Kind::kRefused);
}

// A kept connection that dies under the question is no word of the service's.
TEST_F(HttpSourceTest, AsksAnewWhereAKeptConnectionDies) {
  EXPECT_EQ(Ask().kind, Kind::kFound);
  Answers(0, "", Then::kReset);
  const std::optional<Answer>& answer = Begin();
  EXPECT_TRUE(Run([&] { return Connections(0) == 2; }));
  EXPECT_TRUE(Run([&] { return answer.has_value(); }));
  EXPECT_EQ(answer->kind, Kind::kFound);  // of the second service
  EXPECT_EQ(Connections(1), 1u);
}

TEST_F(HttpSourceTest, KeptConnectionsAreTrustedForAWhileOnly) {
  EXPECT_EQ(Ask().kind, Kind::kFound);
  Pass(HttpSource::kKeepMax);
  EXPECT_EQ(Ask().kind, Kind::kFound);
  EXPECT_EQ(Connections(0), 2u);
}

TEST_F(HttpSourceTest, AsksTheNextServiceAndAvoidsTheDeadOneForAWhile) {
  services_[0].StopListening();
  EXPECT_EQ(Ask().kind, Kind::kFound);
  EXPECT_EQ(Connections(1), 1u);
  const io::Time begun = world_.Now();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Ask().kind, Kind::kFound);
  EXPECT_LT(world_.Now() - begun, HttpSource::kAvoidance);
  EXPECT_EQ(Connections(1), 1u);
}

TEST_F(HttpSourceTest, ServicesInTroubleAreAskedInTurn) {
  Answers(0, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(Ask().kind, Kind::kFound);
  Answers(1, "nonsense\r\n\r\n");
  const Answer answer = Ask();
  EXPECT_EQ(answer.kind, Kind::kUnavailable);
  EXPECT_THAT(answer.text, HasSubstr("directory auth: http://192.0.2."));
  // One that answers again is asked again.
  Pass(HttpSource::kAvoidance);
  Answers(0, kFound);
  EXPECT_EQ(Ask().kind, Kind::kFound);
}

// Neither does it take another's time.
TEST_F(HttpSourceTest, AServiceThatHangsIsLikeADeadOne) {
  Answers(0, "");
  const io::Time begun = world_.Now();
  EXPECT_EQ(Ask().kind, Kind::kFound);
  EXPECT_GE(world_.Now() - begun, milliseconds(2500));
  EXPECT_LT(world_.Now() - begun, milliseconds(2700));
  EXPECT_EQ(Ask().kind, Kind::kFound);
  EXPECT_LT(world_.Now() - begun, seconds(3));
}

TEST_F(HttpSourceTest, AHostsAddressesAreTriedInTurn) {
  KnowByName({"192.0.2.1", "192.0.2.2"});
  services_[0].StopListening();
  EXPECT_EQ(Ask().kind, Kind::kFound);
  EXPECT_EQ(Connections(1), 1u);
  StopService(1);
  const Answer answer = Ask();
  EXPECT_EQ(answer.kind, Kind::kUnavailable);
  EXPECT_THAT(answer.text, HasSubstr("can't be reached: ECONNREFUSED: Connection refused"));
}

TEST_F(HttpSourceTest, FollowsANameToItsNewAddress) {
  KnowByName({"192.0.2.1"});
  EXPECT_EQ(Ask().kind, Kind::kFound);
  resolver_.SetHost("auth.test", {"192.0.2.2"});
  StopService(0);
  // Its kept connection is dead, and the old address still counts.
  EXPECT_EQ(Ask().kind, Kind::kUnavailable);
  Pass(settings_.names.ttl_min);
  EXPECT_EQ(Ask().kind, Kind::kFound);
  EXPECT_EQ(Connections(1), 1u);
  EXPECT_EQ(resolver_.asked.size(), 2u);
}

// Though it is still there, and its connection is good.
TEST_F(HttpSourceTest, LeavesAnAddressThatTheNameHasNoMore) {
  KnowByName({"192.0.2.1"});
  EXPECT_EQ(Ask().kind, Kind::kFound);
  resolver_.SetHost("auth.test", {"192.0.2.2"});
  for (int i = 0; i < 20; ++i) {
    Pass(seconds(1));
    EXPECT_EQ(Ask().kind, Kind::kFound);
  }
  EXPECT_EQ(Connections(0), 1u);
  EXPECT_EQ(Connections(1), 1u);
}

TEST_F(HttpSourceTest, AServerWhoseNameIsNotFoundCountsAsDownUntilItIs) {
  KnowByName({});
  source_->Start();
  EXPECT_TRUE(Run([this] { return resolver_.asked.size() == 1; })) << "before anybody asks";
  const Answer answer = Ask();
  EXPECT_EQ(answer.kind, Kind::kUnavailable);
  EXPECT_EQ(answer.text,
            "directory auth: http://192.0.2.1/ can't be reached: auth.test: there is no such");
  resolver_.SetHost("auth.test", {"192.0.2.1"});
  Pass(settings_.names.ttl_min);
  EXPECT_EQ(Ask().kind, Kind::kFound);
}

TEST_F(HttpSourceTest, TheNextServiceIsAskedWhereANameIsNotFound) {
  settings_.servers[0].host = "auth.test";
  source_.emplace(poplar_, scope_, settings_);
  EXPECT_EQ(Ask().kind, Kind::kFound);
  EXPECT_EQ(Connections(1), 1u);
}

TEST_F(HttpSourceTest, ALookUpTakesNoMoreThanTheServersPartOfTheTime) {
  settings_.servers[0].host = "auth.test";
  source_.emplace(poplar_, scope_, settings_);
  resolver_.Hold();
  const io::Time begun = world_.Now();
  EXPECT_EQ(Ask().kind, Kind::kFound);
  EXPECT_GE(world_.Now() - begun, milliseconds(2500));
  EXPECT_LT(world_.Now() - begun, milliseconds(2700));
}

TEST_F(HttpSourceTest, StopEndsTheWaitForALookUp) {
  KnowByName({"192.0.2.1"});
  resolver_.Hold();
  const std::optional<Answer>& asked = Begin();
  Pass(milliseconds(100));
  source_->Stop();
  EXPECT_TRUE(Run([&] { return asked.has_value(); }, seconds(1)));
  EXPECT_EQ(asked->kind, Kind::kUnavailable);
  resolver_.Stop();
  EXPECT_TRUE(Run([this] { return scope_.count() == 0; }, seconds(1)));
  EXPECT_EQ(Connections(0), 0u);
}

TEST_F(HttpSourceTest, TheDeadlineIsForAllServicesTogether) {
  Answers(0, "HTTP/1.1 200 OK\r\n");  // and no more
  Answers(1, "");
  const io::Time begun = world_.Now();
  const Answer answer = Ask();
  EXPECT_EQ(answer.kind, Kind::kUnavailable);
  EXPECT_THAT(answer.text, HasSubstr("gave no answer in time"));
  EXPECT_GE(world_.Now() - begun, seconds(5));
  EXPECT_LT(world_.Now() - begun, milliseconds(5100));
}

TEST_F(HttpSourceTest, NoMoreConnectionsThanAllowedAndTheRestWaitInOrder) {
  settings_.connections = 2;
  Answers(0, "");
  std::vector<std::optional<Answer>*> asked;
  for (int i = 0; i < 5; ++i) asked.push_back(&Begin());
  Pass(seconds(1));
  EXPECT_EQ(Connections(0), 2u);
  Answers(0, kFound);
  for (upstream::DrivenPeer& peer : services_[0].connections()) peer.Send(kFound);
  EXPECT_TRUE(Run([&] {
    return std::all_of(asked.begin(), asked.end(),
                       [](const auto* each) { return each->has_value(); });
  }));
  for (const auto* each : asked) EXPECT_EQ((*each)->kind, Kind::kFound);
  EXPECT_EQ(Connections(0), 2u);
}

TEST_F(HttpSourceTest, WaitingForAConnectionHasADeadlineToo) {
  settings_.connections = 1;
  settings_.servers.resize(1);
  source_.emplace(poplar_, scope_, settings_);
  Answers(0, "");
  const std::optional<Answer>& first = Begin();
  const std::optional<Answer>& second = Begin();
  EXPECT_TRUE(Run([&] { return first.has_value() && second.has_value(); }));
  EXPECT_EQ(second->kind, Kind::kUnavailable);
  EXPECT_EQ(Connections(0), 1u);
}

TEST_F(HttpSourceTest, StopEndsWhatIsUnderWay) {
  settings_.connections = 1;
  Answers(0, "");
  const std::optional<Answer>& first = Begin();
  const std::optional<Answer>& queued = Begin();
  Pass(seconds(1));
  EXPECT_FALSE(first.has_value());
  source_->Stop();
  EXPECT_TRUE(Run([&] { return first.has_value() && queued.has_value(); }, seconds(1)));
  EXPECT_EQ(first->kind, Kind::kUnavailable);
  EXPECT_EQ(queued->kind, Kind::kUnavailable);
  EXPECT_EQ(Ask().kind, Kind::kUnavailable);
  EXPECT_EQ(Connections(1), 0u);
}

}  // namespace
}  // namespace poplar::directory
