#include "proxy/config/effective.h"

#include <gtest/gtest.h>

#include <chrono>

#include "proxy/config/read.h"

namespace poplar::config {
namespace {

using std::chrono::seconds;

Config ReadGood(const char* text) {
  ReadResult read = Read({"poplar.yaml", text});
  EXPECT_TRUE(read.problems.empty()) << read.problems[0].path << ": " << read.problems[0].message;
  return read.config;
}

constexpr char kThreeLevels[] = R"(
listeners: [{name: a, address: "[::]:995"}]
pool: {size: 20, warm: 4, wait_timeout: 5s}
health: {probe: login, user: global, rise: 5}
timeouts: {upstream_connect: 1s, upstream_response: 2s, upstream_keepalive: 4s}
resume: {deadline: 20s}
clusters:
  - name: c1
    pool: {size: 0, warm: 3}
    health: {user: own, hold_down: 0s}
    resume: off
    timeouts: {upstream_response: 3s}
    nodes:
      - {name: n1, address: "n1:110", pool: {warm: 1, max_snapshot_age: 0s}, timeouts: {upstream_response: 15s}}
      - {name: n2, address: "n2:110"}
  - name: c2
    nodes: [{name: n1, address: "n1:110"}]
)";

TEST(Effective, TheNodeComesBeforeItsClusterAndThatBeforeTheGlobalSection) {
  const Config config = ReadGood(kThreeLevels);
  const ClusterConfig& c1 = config.clusters[0];
  const ClusterConfig& c2 = config.clusters[1];
  PoolConfig expected = config.pool;
  EXPECT_EQ(EffectivePool(config, c2, c2.nodes[0]), expected);
  expected.size = 0;
  expected.warm = 3;
  EXPECT_EQ(EffectivePool(config, c1, c1.nodes[1]), expected);
  expected.warm = 1;
  expected.max_snapshot_age = Duration(0);
  EXPECT_EQ(EffectivePool(config, c1, c1.nodes[0]), expected);

  EXPECT_EQ(EffectiveTimeouts(config, c2, c2.nodes[0]),
            (UpstreamTimeoutsConfig{seconds(1), seconds(2), seconds(4)}));
  EXPECT_EQ(EffectiveTimeouts(config, c1, c1.nodes[1]),
            (UpstreamTimeoutsConfig{seconds(1), seconds(3), seconds(4)}));
  EXPECT_EQ(EffectiveTimeouts(config, c1, c1.nodes[0]),
            (UpstreamTimeoutsConfig{seconds(1), seconds(15), seconds(4)}));
}

TEST(Effective, AClusterMayBeProbedInItsOwnWay) {
  const Config config = ReadGood(kThreeLevels);
  EXPECT_EQ(EffectiveHealth(config, config.clusters[1]), config.health);
  HealthConfig expected = config.health;
  expected.user = "own";
  expected.hold_down = Duration(0);
  EXPECT_EQ(EffectiveHealth(config, config.clusters[0]), expected);
}

TEST(Effective, AClusterMayResumeInItsOwnWay) {
  const Config config = ReadGood(kThreeLevels);
  EXPECT_EQ(EffectiveResume(config, config.clusters[0]), (ResumeConfig{false, seconds(20)}));
  EXPECT_EQ(EffectiveResume(config, config.clusters[1]), (ResumeConfig{true, seconds(20)}));
}

TEST(Effective, WithoutAWordEverythingIsAtItsDefault) {
  const Config config;
  EXPECT_EQ(EffectivePool(config, {}, {}), PoolConfig());
  EXPECT_EQ(EffectiveHealth(config, {}), HealthConfig());
  EXPECT_EQ(EffectiveResume(config, {}), ResumeConfig());
  EXPECT_EQ(EffectiveTimeouts(config, {}, {}), UpstreamTimeoutsConfig());
}

}  // namespace
}  // namespace poplar::config
