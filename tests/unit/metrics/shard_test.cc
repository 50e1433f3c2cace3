#include "metrics/shard.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>

#include "tests/unit/metrics/sample_dimensions.h"

namespace poplar::metrics {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

class ShardTest : public testing::Test {
 protected:
  template <typename... Labels>
  uint64_t At(Instrument instrument, Labels... labels) const {
    return shard_.Read(layout_.CellOf(instrument, labels...));
  }

  const Layout layout_{SampleDimensions()};
  Shard shard_{layout_};
};

TEST_F(ShardTest, CountersCountTheirOwnSeriesOnly) {
  shard_.Add(kMessagesRetrieved);
  shard_.Add(kMessagesRetrieved, 41);
  shard_.Add(kConnectionsRejected, Listener{1}, Rejection::kDrain);
  shard_.Add(kBytes, 1'000'000'000'000, Side::kUpstream, Direction::kReceived);
  EXPECT_EQ(At(Instrument::kMessagesRetrieved), 42u);
  EXPECT_EQ(At(Instrument::kConnectionsRejected, Listener{1}, Rejection::kDrain), 1u);
  EXPECT_EQ(At(Instrument::kBytes, Side::kUpstream, Direction::kReceived), 1'000'000'000'000u);
  uint64_t sum = 0;
  for (size_t cell = 0; cell < layout_.cells(); ++cell) sum += shard_.Read(cell);
  EXPECT_EQ(sum, 42u + 1u + 1'000'000'000'000u);  // and nothing elsewhere
}

TEST_F(ShardTest, GaugesRiseFallAndAreSet) {
  shard_.GaugeAdd(kSessionsActive, 3, Listener{0});
  shard_.GaugeAdd(kSessionsActive, -5, Listener{0});
  EXPECT_EQ(static_cast<int64_t>(At(Instrument::kSessionsActive, Listener{0})), -2);
  shard_.GaugeSet(kCertificateNotAfter, 2'000'000'000, Certificate{0});
  shard_.GaugeSet(kCertificateNotAfter, 1'900'000'000, Certificate{0});
  EXPECT_EQ(At(Instrument::kCertificateNotAfter, Certificate{0}), 1'900'000'000u);
}

TEST_F(ShardTest, OneStateOfASubjectIsSet) {
  const auto states = [this](Node node) {
    std::string bits;
    for (const auto state : {NodeState::kUp, NodeState::kDown, NodeState::kEjected})
      bits += std::to_string(At(Instrument::kNodeState, node, state));
    return bits;
  };
  shard_.GaugeSetState(kNodeState, Node{1}, NodeState::kUp);
  shard_.GaugeSetState(kNodeState, Node{2}, NodeState::kEjected);
  EXPECT_EQ(states(Node{1}), "100");
  shard_.GaugeSetState(kNodeState, Node{1}, NodeState::kDown);
  EXPECT_EQ(states(Node{1}), "010");
  EXPECT_EQ(states(Node{2}), "001");
  EXPECT_EQ(states(Node{0}), "000");
}

TEST_F(ShardTest, BucketsIncludeTheirUpperBound) {
  const auto& bounds = buckets::kSession;
  const size_t first = layout_.CellOf(Instrument::kSessionDuration);
  uint64_t sum = 0;
  for (size_t i = 0; i < bounds.size(); ++i) {
    for (const uint64_t value : {bounds[i], bounds[i] + 1}) {
      const size_t bucket = value == bounds[i] ? i : i + 1;
      const uint64_t before = shard_.Read(first + bucket);
      shard_.Observe(kSessionDuration, nanoseconds(value));
      EXPECT_EQ(shard_.Read(first + bucket), before + 1) << value;
      sum += value;
    }
  }
  EXPECT_EQ(shard_.Read(first + bounds.size()), 1u);  // beyond the last bound
  EXPECT_EQ(shard_.Read(first + bounds.size() + 1), sum);
}

TEST_F(ShardTest, HistogramsTakeLabelsAndClampNegativeDurations) {
  const size_t tls = layout_.CellOf(Instrument::kLoginStageDuration, LoginStage::kTls);
  shard_.Observe(kLoginStageDuration, milliseconds(3), LoginStage::kTls);
  shard_.Observe(kLoginStageDuration, nanoseconds(-1), LoginStage::kTls);
  EXPECT_EQ(shard_.Read(tls + 0), 1u);
  EXPECT_EQ(shard_.Read(tls + 3), 1u);  // 2.5 ms < 3 ms <= 5 ms
  EXPECT_EQ(shard_.Read(tls + buckets::kRequest.size() + 1), 3'000'000u);
}

TEST_F(ShardTest, ReadsRunBesideTheWriter) {
  constexpr uint64_t kRounds = 100'000;
  std::atomic<bool> is_done = false;
  uint64_t last = 0;
  bool went_back = false;
  std::thread reader([&] {
    while (!is_done) {
      const uint64_t now = At(Instrument::kDeletesCommitted);
      went_back |= now < last;
      last = now;
    }
  });
  for (uint64_t i = 0; i < kRounds; ++i) shard_.Add(kDeletesCommitted);
  is_done = true;
  reader.join();
  EXPECT_FALSE(went_back);
  EXPECT_EQ(At(Instrument::kDeletesCommitted), kRounds);
}

TEST_F(ShardTest, TakesWhatSomebodyElseHasCounted) {
  std::array<uint64_t, buckets::kTurn.size() + 1> counts{};
  counts.front() = 3;
  counts.back() = 2;
  shard_.ObserveMany(kWorkerTurn, counts, std::chrono::nanoseconds(7));
  shard_.ObserveMany(kWorkerTurn, counts, std::chrono::nanoseconds(1));
  const size_t first = layout_.FirstCell(Instrument::kWorkerTurn);
  EXPECT_EQ(shard_.Read(first), 6u);
  EXPECT_EQ(shard_.Read(first + 1), 0u);
  EXPECT_EQ(shard_.Read(first + buckets::kTurn.size()), 4u);
  EXPECT_EQ(shard_.Read(first + buckets::kTurn.size() + 1), 8u);
}

// A call with a missing, surplus or foreign label must not compile.
template <typename... Args>
concept CanAdd = requires(Shard& shard, Args... args) { shard.Add(args...); };
static_assert(CanAdd<decltype(kLoginRetries), RetryReason>);
static_assert(CanAdd<decltype(kLoginRetries), uint64_t, RetryReason>);
static_assert(!CanAdd<decltype(kLoginRetries)>);
static_assert(!CanAdd<decltype(kLoginRetries), TlsResult>);
static_assert(!CanAdd<decltype(kLoginRetries), RetryReason, RetryReason>);
static_assert(!CanAdd<decltype(kSessionsActive), Listener>);

}  // namespace
}  // namespace poplar::metrics
