#include "proxy/cli/top_sample.h"

#include <gtest/gtest.h>

#include "metrics/node_page.h"
#include "metrics/session_page.h"
#include "metrics/status_json.h"
#include "tests/unit/metrics/sample_nodes.h"

namespace poplar::cli {
namespace {

TEST(ReadTopSampleTest, ReadsWhatIsWritten) {
  metrics::StatusView status{.version = "0.1.0",
                             .started = 1000.5,
                             .now = 1010.25,
                             .ready = true,
                             .io_note = "refused",
                             .sessions = 7,
                             .logins = {{"ok", 5}, {"rejected", 2}, {"timeout", 1}}};
  status.login = {.buckets = {{0.001, 3}, {0.5, 5}}, .count = 6, .sum = 1};
  status.messages = 11;
  status.bytes_to_clients = 12;
  const auto sample =
      ReadTopSample(metrics::StatusAsJson(status), metrics::NodesAsJson(metrics::SampleNodes()),
                    metrics::SessionsAsJson({.total = 7, .sessions = {{.id = "a"}}}));
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->version, "0.1.0");
  EXPECT_EQ(sample->io_note, "refused");
  EXPECT_EQ(sample->started, 1000.5);
  EXPECT_EQ(sample->now, 1010.25);
  EXPECT_TRUE(sample->ready);
  EXPECT_FALSE(sample->draining);
  EXPECT_EQ(sample->sessions, 7u);
  EXPECT_EQ(sample->logins_ok, 5u);
  EXPECT_EQ(sample->logins_failed, 3u);
  EXPECT_EQ(sample->messages, 11u);
  EXPECT_EQ(sample->bytes_to_clients, 12u);
  ASSERT_EQ(sample->login.buckets.size(), 2u);
  EXPECT_EQ(sample->login.buckets[1].first, 0.5);
  EXPECT_EQ(sample->login.buckets[1].second, 5u);
  EXPECT_EQ(sample->login.count, 6u);
  ASSERT_EQ(sample->nodes.size(), 3u);
  EXPECT_EQ(sample->nodes[0].cluster, "main");
  EXPECT_EQ(sample->nodes[0].sessions, 12u);
  EXPECT_EQ(sample->nodes[1].state, "ejected");
  EXPECT_EQ(sample->nodes[1].admin_state, "drain");
  EXPECT_FALSE(sample->nodes[1].in_service);
  EXPECT_FALSE(sample->nodes[0].probe_seconds);
  EXPECT_EQ(sample->listed.total, 7u);
}

TEST(ReadTopSampleTest, TakesNothingElse) {
  const std::string status = metrics::StatusAsJson({});
  const std::string nodes = metrics::NodesAsJson({});
  const std::string sessions = metrics::SessionsAsJson({});
  EXPECT_TRUE(ReadTopSample(status, nodes, sessions));
  EXPECT_FALSE(ReadTopSample("{}", nodes, sessions));
  EXPECT_FALSE(ReadTopSample(status, status, sessions));
  EXPECT_FALSE(ReadTopSample(status, nodes, "not live\n"));
}

TEST(QuantileBetweenTest, IsOfWhatCameInBetween) {
  const TopHistogram before{.buckets = {{0.1, 10}, {1, 10}, {10, 10}}, .count = 10};
  const TopHistogram now{.buckets = {{0.1, 10}, {1, 20}, {10, 20}}, .count = 20};
  EXPECT_DOUBLE_EQ(QuantileBetween(before, now, 0.5).value(), 0.55);
  EXPECT_DOUBLE_EQ(QuantileBetween(before, now, 1).value(), 1);
  EXPECT_DOUBLE_EQ(QuantileBetween({}, now, 0.5).value(), 0.1);
  EXPECT_FALSE(QuantileBetween(now, now, 0.5));
  EXPECT_FALSE(QuantileBetween({}, {}, 0.5));
}

TEST(QuantileBetweenTest, BeyondTheLastBucketItIsItsBound) {
  const TopHistogram now{.buckets = {{0.1, 0}, {1, 1}}, .count = 10};
  EXPECT_DOUBLE_EQ(QuantileBetween({}, now, 0.99).value(), 1);
}

// Poplar was started anew: what it has counted since counts.
TEST(QuantileBetweenTest, ANewPoplarHasCountedAnew) {
  const TopHistogram before{.buckets = {{0.1, 90}, {1, 100}}, .count = 100};
  const TopHistogram now{.buckets = {{0.1, 0}, {1, 10}}, .count = 10};
  EXPECT_DOUBLE_EQ(QuantileBetween(before, now, 0.5).value(), 0.55);
}

}  // namespace
}  // namespace poplar::cli
