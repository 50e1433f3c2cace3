#include "proxy/server/build_clusters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "proxy/config/override.h"

namespace poplar::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

// Two clusters with two nodes each; the second differs in everything.
config::Config TwoClusters() {
  config::Config config;
  config.clusters = {
      {.name = "first",
       .nodes = {{.name = "a", .address = "192.0.2.1:110"},
                 {.name = "b", .address = "192.0.2.2:110", .weight = 7}}},
      {.name = "second",
       .shared_storage = true,
       .nodes = {{.name = "a", .address = "192.0.2.3:110"},
                 {.name = "b", .address = "192.0.2.4:110", .tls = config::NodeTls::kInsecure}},
       .affinity = config::Affinity::kNone,
       .maildrop_lock = config::MaildropLock::kExclusive,
       .user_sessions = 4,
       .in_use_retries = 1,
       .in_use_backoff = milliseconds(123)}};
  return config;
}

class BuildClustersTest : public testing::Test {
 protected:
  tl::expected<std::vector<std::shared_ptr<upstream::Cluster>>, std::string> Try() {
    std::vector<balancer::Cluster> clusters;
    for (const config::ClusterConfig& from : config_.clusters) {
      balancer::Cluster cluster{from.name, from.shared_storage, {}};
      for (const config::NodeConfig& node : from.nodes) {
        cluster.nodes.push_back({node.name, static_cast<uint32_t>(node.weight)});
      }
      clusters.push_back(std::move(cluster));
    }
    table_ = *balancer::NodeTable::Build(std::move(clusters));
    return BuildClusters(config_, *table_);
  }
  std::vector<std::shared_ptr<upstream::Cluster>> Build() {
    auto clusters = Try();
    EXPECT_TRUE(clusters) << clusters.error();
    return clusters ? *clusters : std::vector<std::shared_ptr<upstream::Cluster>>{};
  }
  std::string Error() {
    const auto clusters = Try();
    return clusters ? "no error" : clusters.error();
  }

  config::Config config_ = TwoClusters();
  std::shared_ptr<const balancer::NodeTable> table_;
};

TEST_F(BuildClustersTest, InTheOrderOfTheTable) {
  const auto clusters = Build();
  ASSERT_EQ(clusters.size(), 2u);
  for (size_t i = 0; i < clusters.size(); ++i) {
    EXPECT_EQ(clusters[i]->id, *table_->FindCluster(clusters[i]->name));
    ASSERT_EQ(clusters[i]->nodes.size(), table_->NodeIds(i).size());
    for (size_t n = 0; n < clusters[i]->nodes.size(); ++n) {
      const upstream::Node& node = *clusters[i]->nodes[n];
      EXPECT_EQ(node.id, table_->NodeIds(i)[n]);
      EXPECT_EQ(node.endpoint()->name, clusters[i]->name + "/" + table_->FindNode(node.id)->name);
    }
  }
}

TEST_F(BuildClustersTest, TakesTheClustersRules) {
  const auto clusters = Build();
  EXPECT_FALSE(clusters[0]->rules.shared_storage);
  EXPECT_TRUE(clusters[0]->rules.affinity);
  EXPECT_EQ(clusters[0]->terms()->login.user_sessions_max, 0u);
  EXPECT_EQ(clusters[0]->terms()->login.in_use_retries, 2);
  EXPECT_EQ(clusters[0]->terms()->login.in_use_backoff, milliseconds(500));

  EXPECT_TRUE(clusters[1]->rules.shared_storage);
  EXPECT_FALSE(clusters[1]->rules.affinity);
  EXPECT_EQ(clusters[1]->terms()->login.user_sessions_max, 4u);
  EXPECT_EQ(clusters[1]->terms()->login.in_use_retries, 1);
  EXPECT_EQ(clusters[1]->terms()->login.in_use_backoff, milliseconds(123));
}

TEST_F(BuildClustersTest, TakesTheRulesOfResumption) {
  config_.resume = {.enabled = true, .deadline = seconds(20)};
  config::Set(config_.clusters[0].resume, &config::ResumeConfig::deadline, seconds(7));
  auto clusters = Build();
  EXPECT_EQ(clusters[0]->terms()->resume.deadline, seconds(7));
  EXPECT_EQ(clusters[1]->terms()->resume.deadline, seconds(20));
  // On unless said otherwise, but only where nodes share their storage.
  EXPECT_FALSE(clusters[0]->resumes());
  EXPECT_TRUE(clusters[1]->resumes());
  config::Set(config_.clusters[1].resume, &config::ResumeConfig::enabled, false);
  clusters = Build();
  EXPECT_TRUE(clusters[0]->terms()->resume.enabled);
  EXPECT_FALSE(clusters[1]->resumes());
}

TEST_F(BuildClustersTest, TheNearestPoolAndTimeoutsCount) {
  config_.pool = {.size = 20,
                  .warm = 3,
                  .parked = 30,
                  .max_snapshot_age = seconds(4),
                  .wait_timeout = seconds(6),
                  .warm_max_age = seconds(40)};
  config_.timeouts.upstream_connect = seconds(7);
  config_.timeouts.upstream_response = seconds(8);
  config::Set(config_.clusters[0].pool, &config::PoolConfig::size, 10);
  config::Set(config_.clusters[0].nodes[1].pool, &config::PoolConfig::size, 5);
  config::Set(config_.clusters[0].nodes[1].pool, &config::PoolConfig::wait_timeout, seconds(1));
  config::Set(config_.clusters[0].nodes[1].timeouts,
              &config::UpstreamTimeoutsConfig::upstream_response, seconds(2));
  const auto clusters = Build();
  const auto limits = [&](size_t cluster, size_t node) {
    return clusters[cluster]->nodes[node]->pool.limits();
  };
  EXPECT_EQ(limits(1, 0).size, 20u);
  EXPECT_EQ(limits(0, 0).size, 10u);
  EXPECT_EQ(limits(0, 1).size, 5u);
  EXPECT_EQ(limits(0, 1).warm, 3u);
  EXPECT_EQ(limits(0, 1).parked, 30u);
  EXPECT_EQ(limits(0, 1).max_snapshot_age, seconds(4));
  EXPECT_EQ(limits(0, 1).warm_max_age, seconds(40));
  EXPECT_EQ(clusters[0]->nodes[0]->wait_timeout(), seconds(6));
  EXPECT_EQ(clusters[0]->nodes[1]->wait_timeout(), seconds(1));
  EXPECT_EQ(clusters[0]->nodes[1]->endpoint()->timeouts.connect, seconds(7));
  EXPECT_EQ(clusters[0]->nodes[1]->endpoint()->timeouts.response, seconds(2));
  EXPECT_EQ(clusters[1]->nodes[1]->endpoint()->timeouts.response, seconds(8));
}

// "with several Poplar replicas parking is off there unless they share state"
TEST_F(BuildClustersTest, ReplicasDoNotParkWhereNodesLock) {
  for (const int replicas : {1, 2}) {
    config_.replicas = replicas;
    const auto clusters = Build();
    EXPECT_EQ(clusters[0]->nodes[0]->pool.limits().max_snapshot_age, seconds(5));
    EXPECT_EQ(clusters[1]->nodes[0]->pool.limits().max_snapshot_age,
              replicas == 1 ? seconds(5) : seconds(0));
  }
}

TEST_F(BuildClustersTest, TakesTheOperatorsWordOnNodes) {
  config_.clusters[0].nodes[0].state = config::NodeState::kDrain;
  config_.clusters[0].nodes[1].state = config::NodeState::kDown;
  const auto clusters = Build();
  EXPECT_EQ(clusters[0]->health.admin(table_->NodeIds(0)[0]), balancer::AdminState::kDrain);
  EXPECT_EQ(clusters[0]->health.admin(table_->NodeIds(0)[1]), balancer::AdminState::kDown);
  EXPECT_EQ(clusters[1]->health.admin(table_->NodeIds(1)[0]), balancer::AdminState::kUp);
}

TEST_F(BuildClustersTest, TakesTheRulesOfHealth) {
  config_.health.consecutive_failures = 1;
  config_.health.hold_down = minutes(2);
  config_.health.panic_percent = 0;
  config::Set(config_.clusters[1].health, &config::HealthConfig::consecutive_failures, 0);
  config::Set(config_.clusters[1].health, &config::HealthConfig::failure_percent, 0);
  const auto clusters = Build();
  for (size_t i : {0u, 1u}) {
    const auto transition = clusters[i]->health.OnEvidence(
        table_->NodeIds(i)[0], balancer::Evidence::kUnreachable, "x", minutes(1));
    EXPECT_EQ(transition.has_value(), i == 0);
  }
}

TEST_F(BuildClustersTest, TakesTheProbes) {
  config_.health.probe = config::Probe::kGreeting;
  config_.health.interval = seconds(9);
  config_.health.fast_interval = milliseconds(900);
  config_.health.timeout = seconds(2);
  const auto clusters = Build();
  EXPECT_TRUE(clusters[0]->terms()->probe.enabled);
  EXPECT_EQ(clusters[0]->terms()->probe.level, balancer::ProbeLevel::kGreeting);
  EXPECT_EQ(clusters[0]->terms()->probe.interval, seconds(9));
  EXPECT_EQ(clusters[0]->terms()->probe.fast_interval, milliseconds(900));
  EXPECT_EQ(clusters[0]->terms()->probe.timeout, seconds(2));
  EXPECT_TRUE(clusters[0]->terms()->probe.credential.identity.secret.Expose().empty());
  config_.health.probe = config::Probe::kOff;
  EXPECT_FALSE(Build()[0]->terms()->probe.enabled);
}

TEST_F(BuildClustersTest, ReadsTheProbesPassword) {
  const std::string path = testing::TempDir() + "build_clusters_password";
  const std::pair<const char*, const char*> files[] = {
      {"secret\n", "secret"}, {"secret", "secret"}, {"se cret\r\nmore\n", "se cret"}};
  for (const auto& [text, password] : files) {
    std::ofstream(path) << text;
    config_.health.probe = config::Probe::kLogin;
    config_.health.user = "probe@example.org";
    config_.health.password_file = path;
    const auto clusters = Build();
    EXPECT_EQ(clusters[0]->terms()->probe.level, balancer::ProbeLevel::kLogin);
    EXPECT_EQ(clusters[0]->terms()->probe.credential.identity.user, "probe@example.org");
    EXPECT_EQ(clusters[0]->terms()->probe.credential.identity.secret.Expose(), password);
  }
}

TEST_F(BuildClustersTest, NamesTheClusterWhoseProbePasswordIsMissing) {
  config_.health.probe = config::Probe::kLogin;
  config_.health.password_file = "/nowhere/password";
  EXPECT_THAT(Error(), testing::StartsWith("cluster first: health.password_file: "));
  EXPECT_THAT(Error(), HasSubstr("/nowhere/password"));
  std::ofstream(testing::TempDir() + "empty_password") << "";
  config_.health.password_file = testing::TempDir() + "empty_password";
  EXPECT_THAT(Error(), HasSubstr("empty"));
}

TEST_F(BuildClustersTest, NodesWithTlsRememberTheirSessions) {
  const auto clusters = Build();
  EXPECT_EQ(clusters[1]->nodes[0]->endpoint()->tls_sessions, nullptr);
  EXPECT_NE(clusters[1]->nodes[1]->endpoint()->tls_sessions, nullptr);
  EXPECT_NE(clusters[1]->nodes[1]->endpoint()->tls, nullptr);
}

TEST_F(BuildClustersTest, TakesHowANodeIsSpokenTo) {
  auto clusters = Build();
  const upstream::Endpoint* usual = clusters[0]->nodes[0]->endpoint().get();
  EXPECT_EQ(usual->tls_start, upstream::TlsStart::kImplicit);
  EXPECT_EQ(usual->proxy_protocol, upstream::ProxyProtocol::kNone);
  EXPECT_TRUE(usual->xclient);
  EXPECT_EQ(clusters[0]->nodes[0]->pool.limits().warm, 2u);

  config::NodeConfig& first = config_.clusters[0].nodes[0];
  first.tls = config::NodeTls::kInsecure;
  first.tls_start = config::NodeTlsStart::kStls;
  first.proxy_protocol = config::NodeProxyProtocol::kV1;
  first.xclient = config::Xclient::kOff;
  config_.clusters[0].nodes[1].proxy_protocol = config::NodeProxyProtocol::kV2;
  clusters = Build();
  const upstream::Node& node = *clusters[0]->nodes[0];
  EXPECT_EQ(node.endpoint()->tls_start, upstream::TlsStart::kStls);
  EXPECT_EQ(node.endpoint()->proxy_protocol, upstream::ProxyProtocol::kV1);
  EXPECT_FALSE(node.endpoint()->xclient);
  EXPECT_EQ(clusters[0]->nodes[1]->endpoint()->proxy_protocol, upstream::ProxyProtocol::kV2);
  // The header goes first, and names the client.
  EXPECT_EQ(node.pool.limits().warm, 0u);
  EXPECT_EQ(clusters[1]->nodes[0]->pool.limits().warm, 2u);
}

TEST_F(BuildClustersTest, NamesTheNodeWhoseClientCertificateIsMissing) {
  config_.clusters[1].nodes[1].client_certificate = "/nowhere/client.pem";
  EXPECT_THAT(Error(), testing::StartsWith("node second/b: "));
  EXPECT_THAT(Error(), HasSubstr("/nowhere/client.pem"));
}

TEST_F(BuildClustersTest, TakesTheMasterUser) {
  EXPECT_FALSE(Build()[0]->terms()->master.exists());
  EXPECT_EQ(Build()[0]->terms()->master.separator, "*");
  const std::string path = testing::TempDir() + "build_clusters_master";
  std::ofstream(path) << "master's\n";
  config_.clusters[1].master_user = {.name = "m", .password_file = path, .separator = "%"};
  const auto clusters = Build();
  EXPECT_FALSE(clusters[0]->terms()->master.exists());
  EXPECT_EQ(clusters[1]->terms()->master.name, "m");
  EXPECT_EQ(clusters[1]->terms()->master.password.Expose(), "master's");
  EXPECT_EQ(clusters[1]->terms()->master.separator, "%");
  config_.clusters[1].master_user.password_file = "/nowhere/password";
  EXPECT_THAT(Error(),
              testing::StartsWith("cluster second: master_user.password_file: /nowhere/password "));
}

}  // namespace
}  // namespace poplar::server
