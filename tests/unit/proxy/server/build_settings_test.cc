#include "proxy/server/build_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "proxy/server/build_clusters.h"
#include "proxy/tls/throwaway_certificate.h"

namespace poplar::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

config::Config TwoClusters() {
  config::Config config;
  config.listeners = {
      {.name = "pop3s", .address = "127.0.0.1:0"},
      {.name = "pop3",
       .address = "127.0.0.1:0",
       .tls = config::ListenerTls::kNone,
       .require_tls = false,
       .cluster = "second"},
      {.name = "capa-only", .address = "127.0.0.1:0", .tls = config::ListenerTls::kNone}};
  config.clusters = {
      {.name = "first",
       .nodes = {{.name = "a", .address = "192.0.2.1:110"},
                 {.name = "b", .address = "[2001:db8::1]:995", .tls = config::NodeTls::kInsecure}}},
      {.name = "second",
       .shared_storage = true,
       .nodes = {{.name = "a",
                  .address = "192.0.2.3:1110",
                  .weight = 7,
                  .tls = config::NodeTls::kInsecure,
                  .host_name = "mail.example"}}}};
  return config;
}

std::string ErrorOf(const config::Config& config) {
  const auto settings = BuildSettings(config);
  return settings ? "no error" : settings.error();
}

TEST(BuildSettings, NumbersEndpointsAsTheNodeTableDoes) {
  const auto settings = *BuildSettings(TwoClusters(), nullptr);
  const balancer::NodeTable& nodes = *settings->nodes;
  // With room for more.
  ASSERT_EQ(settings->upstream_nodes.size(), 3u + 2 * kSpareSeatsMin);
  for (size_t cluster = 0; cluster < nodes.clusters().size(); ++cluster) {
    for (const balancer::NodeId id : nodes.NodeIds(cluster)) {
      EXPECT_EQ(settings->NodeOf(id).endpoint()->name,
                nodes.clusters()[cluster].name + "/" + nodes.FindNode(id)->name);
    }
  }
  EXPECT_TRUE(nodes.clusters()[1].shared_storage);
  EXPECT_FALSE(nodes.clusters()[0].shared_storage);
  EXPECT_EQ(nodes.clusters()[1].nodes[0].weight, 7u);
}

TEST(BuildSettings, TellsHowToSpeakToANode) {
  const auto settings = *BuildSettings(TwoClusters(), nullptr);
  std::vector<upstream::Endpoint> endpoints;
  for (size_t cluster = 0; cluster < settings->clusters.size(); ++cluster) {
    for (const balancer::NodeId id : settings->nodes->NodeIds(cluster))
      endpoints.push_back(*settings->NodeOf(id).endpoint());
  }
  EXPECT_EQ(endpoints[0].address.Text(), "192.0.2.1:110");
  EXPECT_EQ(endpoints[0].tls, nullptr);
  EXPECT_EQ(endpoints[1].address.Text(), "[2001:db8::1]:995");
  EXPECT_NE(endpoints[1].tls, nullptr);
  EXPECT_EQ(endpoints[1].host_name, "2001:db8::1");
  EXPECT_EQ(endpoints[2].host_name, "mail.example");
}

TEST(BuildSettings, GivesEachListenerItsClusterAndItsRight) {
  const auto certificate = tls::MakeThrowawayCertificate(1'700'000'000);
  const auto tls = *tls::ServerContext::Create({.certificates_in_memory = {certificate}});
  const auto settings = *BuildSettings(TwoClusters(), tls);
  const auto& listeners = settings->listeners;
  ASSERT_EQ(listeners.size(), 3u);
  for (size_t i = 0; i < listeners.size(); ++i) EXPECT_EQ(listeners[i].index, i);
  EXPECT_EQ(listeners[0].tls, tls);
  EXPECT_EQ(listeners[0].cluster, *settings->nodes->FindCluster("first"));
  EXPECT_TRUE(listeners[0].tls_at_once);

  EXPECT_EQ(listeners[1].tls, nullptr);
  EXPECT_EQ(listeners[1].cluster, *settings->nodes->FindCluster("second"));
  EXPECT_FALSE(listeners[1].login.require_tls);

  // No password in the clear unless the operator said so.
  EXPECT_TRUE(listeners[2].login.require_tls);
}

TEST(BuildSettings, CarriesTimesAndLimits) {
  config::Config config = TwoClusters();
  config.timeouts = {.tls_handshake = seconds(1),
                     .login = seconds(2),
                     .upstream_connect = seconds(3),
                     .upstream_response = seconds(4),
                     .client_idle = seconds(5),
                     .client_write_stall = milliseconds(600)};
  config.limits.bad_commands = 11;
  config.limits.bad_commands_before_login = 4;
  config.limits.failed_logins = 12;
  config.user_names.default_domain = "example.org";
  const auto settings = *BuildSettings(config, nullptr);
  EXPECT_EQ(settings->timeouts.tls_handshake, seconds(1));
  EXPECT_EQ(settings->timeouts.login, seconds(2));
  EXPECT_EQ(settings->upstream_nodes.front()->endpoint()->timeouts.connect, seconds(3));
  EXPECT_EQ(settings->upstream_nodes.front()->endpoint()->timeouts.response, seconds(4));
  EXPECT_EQ(settings->timeouts.client_idle, seconds(5));
  EXPECT_EQ(settings->timeouts.client_write_stall, milliseconds(600));
  EXPECT_EQ(settings->bad_commands_max, 11);
  EXPECT_EQ(settings->listeners[0].login.bad_commands_max, 4);
  EXPECT_EQ(settings->listeners[0].login.failed_logins_max, 12);
  EXPECT_EQ(settings->canonical.default_domain, "example.org");
}

// Whom it moves may be in either cluster: what is offered before the login must hold in both.
TEST(BuildSettings, MakesMoves) {
  config::Config config = TwoClusters();
  config.user_names.default_domain = "example.org";
  config.moves = {
      {.name = "away", .from = "first", .to = "second", .users = {"Anna"}, .percent = {0}}};
  config.moves_wait = seconds(7);
  config.moves_grace = seconds(8);
  const auto settings = *BuildSettings(config, nullptr);
  const auto first = *settings->nodes->FindCluster("first");
  const auto second = *settings->nodes->FindCluster("second");
  ASSERT_NE(settings->moves, nullptr);
  const balancer::MoveRule& rule = settings->moves->rule(0);
  EXPECT_EQ(rule.name, "away");
  EXPECT_EQ(rule.from, first);
  EXPECT_EQ(rule.to, second);
  EXPECT_EQ(rule.users, std::vector<std::string>{"anna@example.org"});
  EXPECT_EQ(settings->moves->permille(0), 0U);
  EXPECT_EQ(settings->listeners[0].clusters, (std::vector{first, second}));
  EXPECT_EQ(settings->listeners[1].clusters, std::vector{second});
  EXPECT_EQ(settings->timeouts.move_wait, seconds(7));
  EXPECT_EQ(settings->timeouts.move_grace, seconds(8));
  config.moves[0].users = {""};
  EXPECT_EQ(BuildSettings(config, nullptr).error(), "move away: users:  is no user");
}

TEST(BuildSettings, KnowsNodesByTheirHostsToo) {
  config::Config config = TwoClusters();
  config.clusters[0].nodes[1].address = "localhost:995";
  config.clusters[1].nodes.push_back({.name = "b", .address = "192.0.2.3:2110"});
  const session::Routing routing = (*BuildSettings(config, nullptr))->routing;
  EXPECT_EQ(routing.FindPlace("192.0.2.1")->node, routing.FindPlace("first/a")->node);
  EXPECT_EQ(routing.FindPlace("LocalHost")->node, routing.FindPlace("first/b")->node);
  EXPECT_EQ(routing.FindPlace("192.0.2.3").error(), session::Routing::PlaceFault::kAmbiguous);
  EXPECT_TRUE(routing.FindPlace("192.0.2.3:2110"));
}

TEST(BuildSettings, WithoutMovesThereAreNone) {
  EXPECT_EQ((*BuildSettings(TwoClusters(), nullptr))->moves, nullptr);
}

TEST(BuildSettings, LoadsCertificatesFromFiles) {
  const auto pem = tls::MakeThrowawayCertificate(1'700'000'000);
  const std::string separate = testing::TempDir() + "build_settings_certificate.pem";
  const std::string key = testing::TempDir() + "build_settings_key.pem";
  const std::string both = testing::TempDir() + "build_settings_both.pem";
  std::ofstream(separate) << pem.certificate;
  std::ofstream(key) << pem.key;
  std::ofstream(both) << pem.certificate << pem.key;
  config::Config config = TwoClusters();
  config.tls.certificates = {{.certificate = separate, .key = key}, {.certificate = both}};
  const auto settings = BuildSettings(config);
  ASSERT_TRUE(settings) << settings.error();
  EXPECT_EQ((*settings)->tls->certificates().size(), 2u);
  EXPECT_EQ((*settings)->listeners[0].tls, (*settings)->tls);

  config.tls.certificates = {{.certificate = separate, .key = testing::TempDir() + "none.pem"}};
  EXPECT_THAT(ErrorOf(config), HasSubstr("tls: "));
  EXPECT_THAT(ErrorOf(config), HasSubstr("none.pem"));
}

TEST(BuildSettings, NamesTheNodeThatCannotBeFound) {
  config::Config config = TwoClusters();
  config.clusters[1].nodes[0].address = "mail.invalid:110";
  EXPECT_THAT(ErrorOf(config),
              testing::StartsWith("node second/a: cannot look up the host name mail.invalid: "));
}

TEST(BuildSettings, NamesTheNodeWhoseCasAreMissing) {
  config::Config config = TwoClusters();
  config.clusters[0].nodes[1].tls = config::NodeTls::kVerify;
  config.clusters[0].nodes[1].ca_file = "/nowhere/ca.pem";
  EXPECT_THAT(ErrorOf(config), testing::StartsWith("node first/b: "));
  EXPECT_THAT(ErrorOf(config), HasSubstr("/nowhere/ca.pem"));
}

TEST(BuildSettings, NamesAnAddressThatIsNone) {
  config::Config config = TwoClusters();
  config.clusters[0].nodes[0].address = "192.0.2.1";
  EXPECT_THAT(ErrorOf(config), testing::StartsWith("node first/a: "));
}

TEST(BuildSettings, NamesTheClusterThatIsWrong) {
  config::Config config = TwoClusters();
  config.clusters[1].name = "first";
  EXPECT_THAT(ErrorOf(config), HasSubstr("first"));
}

}  // namespace
}  // namespace poplar::server
