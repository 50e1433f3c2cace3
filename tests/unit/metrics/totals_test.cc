#include "metrics/totals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/unit/metrics/sample_dimensions.h"

namespace poplar::metrics {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::Pair;

class TotalsTest : public testing::Test {
 protected:
  const Layout layout_{SampleDimensions()};
  Shard first_{layout_};
  Shard second_{layout_};
  Exporter exporter_{layout_, {&first_, &second_}, {}};
};

TEST_F(TotalsTest, CountsByOneLabelOverAllOthers) {
  first_.Add(kLogins, 2, Listener{0}, LoginResult::kOk, Mechanism::kPlain);
  second_.Add(kLogins, 3, Listener{1}, LoginResult::kOk, Mechanism::kUser);
  second_.Add(kLogins, Listener{1}, LoginResult::kRejected, Mechanism::kUser);
  const Counts results = CountsBy(exporter_, kLogins.instrument, "result");
  EXPECT_EQ(results.size(), LabelTraits<LoginResult>::kValues.size());
  EXPECT_THAT(results, Contains(Pair("ok", 5u)));
  EXPECT_THAT(results, Contains(Pair("rejected", 1u)));
  EXPECT_THAT(CountsBy(exporter_, kLogins.instrument, "listener"),
              ElementsAre(Pair("pop3s", 2u), Pair("pop3s-v6", 4u)));
  EXPECT_TRUE(CountsBy(exporter_, kLogins.instrument, "no_such").empty());
}

TEST_F(TotalsTest, SumsWhatHasTheLabels) {
  first_.Add(kBytes, 10, Side::kDownstream, Direction::kSent);
  second_.Add(kBytes, 5, Side::kDownstream, Direction::kSent);
  first_.Add(kBytes, 1, Side::kDownstream, Direction::kReceived);
  first_.Add(kBytes, 100, Side::kUpstream, Direction::kSent);
  const Having sent = {{"side", "downstream"}, {"direction", "sent"}};
  EXPECT_EQ(SumOf(exporter_, kBytes.instrument, sent), 15u);
  EXPECT_EQ(SumOf(exporter_, kBytes.instrument), 116u);
  EXPECT_EQ(SumOf(exporter_, kBytes.instrument, {{"side", "none"}}), 0u);
}

TEST_F(TotalsTest, HistogramsAreCumulativeInSeconds) {
  first_.Observe(kLoginDuration, milliseconds(1), LoginResult::kOk);
  second_.Observe(kLoginDuration, milliseconds(700), LoginResult::kOk);
  second_.Observe(kLoginDuration, seconds(60), LoginResult::kOk);
  second_.Observe(kLoginDuration, seconds(1), LoginResult::kRejected);
  const HistogramTotal good =
      SumOfHistogram(exporter_, kLoginDuration.instrument, {{"result", "ok"}});
  EXPECT_EQ(good.count, 3u);
  EXPECT_NEAR(good.sum, 60.701, 1e-9);
  ASSERT_EQ(good.buckets.size(), buckets::kRequest.size());
  EXPECT_DOUBLE_EQ(good.buckets[0].bound, 0.0005);
  EXPECT_EQ(good.buckets[0].count, 0u);
  EXPECT_EQ(good.buckets[1].count, 1u);
  EXPECT_EQ(good.buckets.back().count, 2u);
  EXPECT_EQ(SumOfHistogram(exporter_, kLoginDuration.instrument).count, 4u);
}

// As /metrics has it: what was counted of a seat before its node came is not the node's.
TEST_F(TotalsTest, ANodeThatSatDownBeginsAtNothing) {
  first_.Add(kPoolTakes, 4, Node{1}, TakeSource::kWarm);
  exporter_.SatDown(Node{1});
  first_.Add(kPoolTakes, Node{1}, TakeSource::kWarm);
  first_.Add(kPoolTakes, 7, Node{2}, TakeSource::kNew);
  EXPECT_THAT(exporter_.Cells(kPoolTakes.instrument), ElementsAre(0, 0, 0, 0, 1, 0, 0, 0, 7));
}

}  // namespace
}  // namespace poplar::metrics
