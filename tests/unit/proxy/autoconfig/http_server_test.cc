#include "proxy/autoconfig/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "tests/simulation/script.h"
#include "tests/unit/proxy/autoconfig/sample_service.h"

namespace poplar::autoconfig {
namespace {

using simulation::ScriptedPeer;
using std::chrono::seconds;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kRequest[] = "GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kPost[] = "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nContent-Length: 45\r\n";
constexpr char kBody[] = "<EMailAddress>anna@example.org</EMailAddress>";

class Endings final : public Observer {
 public:
  void VisitEnded(const io::Address& client, Form form, Result result) override {
    EXPECT_EQ(client.Host(), "192.0.2.7");
    text.append(Name(form)).append(" ").append(Name(result)) += "; ";
  }
  std::string text;
};

struct Client {
  explicit Client(simulation::SimProactor& proactor) : peer(proactor) {}
  ScriptedPeer peer;
  std::string sent;
  bool stays = false;  // says nothing more, and doesn't close either
  std::string got;
  bool ended = false;
};

io::Task<void> Play(Client* client) {
  const auto connected = co_await client->peer.Connect(*io::Address::Parse("10.0.0.1", 80));
  if (connected && !client->sent.empty()) (void)co_await client->peer.Send(client->sent);
  while (connected) {
    const auto byte = co_await client->peer.ReadExactly(1);
    if (!byte) break;
    client->got += *byte;
  }
  if (!client->stays) (void)co_await client->peer.ShutdownWrite();
  client->ended = true;
}

// A worker that serves, and clients elsewhere.
class HttpServerTest : public testing::Test {
 protected:
  void SetUp() override {
    service_->mail = SampleService();
    service_->connections_max = 3;
    server_.emplace(HttpServer::Terms{service_, policy_},
                    HttpServer::Environment{poplar_, visits_, limits_, newcomers_, endings_});
    ASSERT_TRUE(server_->Listen(*io::Address::Parse("10.0.0.1", 80), false));
    server_->Start(accepting_);
  }
  void TearDown() override {
    server_->StopAccepting();
    world_.MustReach(
        "the end",
        [this] { return accepting_.count() == 0 && visits_.count() == 0 && playing_.count() == 0; },
        seconds(60));
    clients_.clear();
    EXPECT_EQ(*service_->connections, 0);
    EXPECT_EQ(limits_.sessions(), 0);
    EXPECT_EQ(limits_.unauthenticated(), 0);
    server_.reset();
    poplar_.MustBeIdle();
    elsewhere_.MustBeIdle();
  }

  Client& Begin(std::string sent) {
    Client& client = clients_.emplace_back(elsewhere_);
    client.sent = std::move(sent);
    playing_.Spawn(Play(&client));
    return client;
  }
  void End(const Client& client) {
    world_.MustReach("a client's end", [&] { return client.ended; }, seconds(60));
  }
  std::string Got(std::string sent) {
    Client& client = Begin(std::move(sent));
    End(client);
    return client.got;
  }
  void Pass(io::Duration time) {
    world_.RunUntil([] { return false; }, time);
  }

  simulation::World world_{1};
  simulation::Network network_{world_, {}};
  simulation::SimProactor poplar_{network_, "poplar", *io::Address::Parse("10.0.0.1", 0)};
  simulation::SimProactor elsewhere_{network_, "client", *io::Address::Parse("192.0.2.7", 0)};
  io::TaskScope accepting_{poplar_.ready()};
  io::TaskScope visits_{poplar_.ready()};
  io::TaskScope playing_{elsewhere_.ready()};
  const std::shared_ptr<admission::Policy> policy_ = std::make_shared<admission::Policy>();
  admission::ConnectionLimits limits_{1};
  admission::Seniority newcomers_;
  Endings endings_;
  const std::shared_ptr<Service> service_ = std::make_shared<Service>();
  std::optional<HttpServer> server_;
  std::deque<Client> clients_;
};

TEST_F(HttpServerTest, AnswersAndEnds) {
  EXPECT_THAT(Got(kRequest),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("</clientConfig>\n")));
  EXPECT_THAT(Got("HEAD /mail/config-v1.1.xml HTTP/1.1\r\n\r\n"), EndsWith("\r\n\r\n"));
  EXPECT_THAT(Got(std::string(kPost) + "\r\n" + kBody), HasSubstr("<Type>POP3</Type>"));
  EXPECT_THAT(Got("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Got("\x16\x03\x01"), StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(endings_.text,
            "thunderbird ok; thunderbird ok; autodiscover ok; none not_found; none bad_request; ");
}

TEST_F(HttpServerTest, TellsAClientToSendItsBody) {
  Client& client = Begin(std::string(kPost) + "Expect: 100-continue\r\n\r\n");
  world_.MustReach("the word", [&] { return client.got.size() >= 25; }, seconds(1));
  EXPECT_EQ(client.got, "HTTP/1.1 100 Continue\r\n\r\n");
  End(client);  // it never does
  EXPECT_EQ(endings_.text, "none timeout; ");
}

TEST_F(HttpServerTest, TheAnswerArrivesThoughTheClientSendsMore) {
  const std::string got = Got(std::string(kRequest) + std::string(kLingerBytes / 2, 'x'));
  EXPECT_THAT(got, EndsWith("</clientConfig>\n"));
}

TEST_F(HttpServerTest, WaitsForNobodyLongerThanItsTime) {
  const io::Time began = world_.Now();
  Client& silent = Begin("");
  Client& slow = Begin("GET /mail/conf");
  Client& staying = Begin(kRequest);
  staying.stays = true;
  End(silent);
  End(slow);
  world_.MustReach("all visits' end", [this] { return visits_.count() == 0; }, seconds(60));
  EXPECT_LT(world_.Now() - began, kVisitTime + seconds(1));
  EXPECT_EQ(silent.got + slow.got, "");
  EXPECT_THAT(endings_.text, HasSubstr("none timeout; none timeout; "));
}

TEST_F(HttpServerTest, ServesNoMoreThanItMay) {
  for (int i = 0; i < 4; ++i) Begin("");
  Pass(seconds(1));
  EXPECT_EQ(endings_.text, "none refused; ");
  EXPECT_EQ(*service_->connections, 3);
  for (const Client& client : clients_) End(client);
  EXPECT_THAT(Got(kRequest), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, IsBoundByAdmission) {
  policy_->access.deny.Add(*io::Network::Parse("192.0.2.0/24"));
  EXPECT_EQ(Got(kRequest), "");
  policy_->access = {};
  policy_->connections.unauthenticated_per_address = 1;
  Client& first = Begin("");
  Pass(seconds(1));
  EXPECT_EQ(Got(kRequest), "");
  End(first);
  EXPECT_EQ(endings_.text, "none refused; none refused; none timeout; ");
}

TEST_F(HttpServerTest, TheOldestGivesWay) {
  policy_->connections.unauthenticated = 1;
  Client& first = Begin("");
  Pass(seconds(1));
  EXPECT_THAT(Got(kRequest), StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(first.ended);
  EXPECT_EQ(endings_.text, "none refused; thunderbird ok; ");
}

TEST_F(HttpServerTest, EndsAllAtOnceWhenToldTo) {
  const io::Time began = world_.Now();
  Client& client = Begin("");
  world_.MustReach("a visit", [this] { return *service_->connections == 1; }, seconds(1));
  server_->StopAccepting();
  server_->Abort();
  End(client);
  EXPECT_LT(world_.Now() - began, seconds(2));
  EXPECT_EQ(endings_.text, "none broken; ");
}

}  // namespace
}  // namespace poplar::autoconfig
