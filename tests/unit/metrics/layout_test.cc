#include "metrics/layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <regex>
#include <set>
#include <string>

#include "tests/unit/metrics/sample_dimensions.h"

namespace poplar::metrics {
namespace {

template <typename Label>
constexpr bool IsComplete(Label last) {
  return LabelTraits<Label>::kValues.size() == static_cast<size_t>(last) + 1;
}
static_assert(IsComplete(Rejection::kDrain));
static_assert(IsComplete(TlsResult::kTimeout));
static_assert(IsComplete(TlsVersion::kTls13));
static_assert(IsComplete(Resumed::kYes));
static_assert(IsComplete(LoginResult::kInternal));
static_assert(IsComplete(LoginStage::kAuth));
static_assert(IsComplete(LookupResult::kFailed));
static_assert(IsComplete(Side::kUpstream));
static_assert(IsComplete(Direction::kSent));
static_assert(IsComplete(CommandResult::kErr));
static_assert(IsComplete(CommandClass::kQuit));
static_assert(IsComplete(ConnectFailure::kOther));
static_assert(IsComplete(Success::kError));
static_assert(IsComplete(PoolKind::kParked));
static_assert(IsComplete(TakeSource::kNew));
static_assert(IsComplete(ParkedOutcome::kDrained));
static_assert(IsComplete(ParkResult::kRefused));
static_assert(IsComplete(WaitResult::kNodeOut));
static_assert(IsComplete(NodeState::kEjected));
static_assert(IsComplete(AdminState::kDown));
static_assert(IsComplete(TransitionCause::kAdmin));
static_assert(IsComplete(RetryReason::kElsewhere));
static_assert(IsComplete(RequestResult::kSkipped));
static_assert(IsComplete(ClaimResult::kLost));
static_assert(IsComplete(ResumeResult::kEnded));

TEST(InstrumentsTest, NamesFollowTheRulesOfPrometheus) {
  std::set<std::string> names;
  for (const InstrumentSpec& spec : Specs()) {
    const std::string name = spec.name;
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_TRUE(std::regex_match(name, std::regex("poplar_[a-z]+(_[a-z]+)*"))) << name;
    EXPECT_EQ(name.ends_with("_total"), spec.type == InstrumentType::kCounter) << name;
    EXPECT_EQ(!spec.bounds.empty(), spec.type == InstrumentType::kHistogram) << name;
    if (spec.type == InstrumentType::kHistogram) {
      EXPECT_TRUE(name.ends_with("_seconds")) << name;
    }
    EXPECT_TRUE(std::string(spec.help).ends_with(".")) << name;
    EXPECT_TRUE(std::is_sorted(spec.bounds.begin(), spec.bounds.end(), std::less_equal<>()))
        << name;
  }
  EXPECT_EQ(names.size(), kInstruments);
}

TEST(LayoutTest, EveryCellBelongsToOneSeries) {
  const Layout layout(SampleDimensions());
  size_t next = 0;
  for (size_t i = 0; i < kInstruments; ++i) {
    const Instrument instrument{static_cast<uint16_t>(i)};
    EXPECT_EQ(layout.FirstCell(instrument), next);
    next += layout.Series(instrument).size() * layout.CellsPerSeries(instrument);
  }
  EXPECT_EQ(layout.cells(), next);
}

TEST(LayoutTest, SeriesAreTheProductOfTheLabels) {
  const Layout layout(SampleDimensions());
  EXPECT_EQ(layout.Series(Instrument::kMessagesRetrieved).size(), 1u);
  EXPECT_EQ(layout.Series(Instrument::kConnectionsRejected).size(), 2u * 9u);
  EXPECT_EQ(layout.Series(Instrument::kTlsHandshakes).size(), 3u * 3u * 2u);
  EXPECT_EQ(layout.Series(Instrument::kSessionsEnded).size(), 3u);  // reason and side are one value
  EXPECT_EQ(layout.CellsPerSeries(Instrument::kLogins), 1u);
  EXPECT_EQ(layout.CellsPerSeries(Instrument::kSessionDuration), 9u + 2u);
}

TEST(LayoutTest, CellAndLabelsAgree) {
  const Layout layout(SampleDimensions());
  const auto labels_at = [&](Instrument instrument, size_t cell) {
    const size_t series = (cell - layout.FirstCell(instrument)) / layout.CellsPerSeries(instrument);
    return layout.Series(instrument)[series];
  };
  const size_t failure =
      layout.CellOf(Instrument::kNodeConnectFailures, Node{2}, ConnectFailure::kTls);
  EXPECT_EQ(labels_at(Instrument::kNodeConnectFailures, failure),
            (LabelPairs{{"cluster", "other"}, {"node", "mail1"}, {"reason", "tls"}}));
  const size_t handshake = layout.CellOf(Instrument::kTlsHandshakes, TlsResult::kError,
                                         TlsVersion::kTls13, Resumed::kYes);
  EXPECT_EQ(labels_at(Instrument::kTlsHandshakes, handshake),
            (LabelPairs{{"result", "error"}, {"version", "1.3"}, {"resumed", "yes"}}));
  const size_t stage = layout.CellOf(Instrument::kLoginStageDuration, LoginStage::kGreeting);
  EXPECT_EQ(labels_at(Instrument::kLoginStageDuration, stage), (LabelPairs{{"stage", "greeting"}}));
  const size_t engine = layout.CellOf(Instrument::kIoEngineInfo, IoEngine{0});
  EXPECT_EQ(labels_at(Instrument::kIoEngineInfo, engine),
            (LabelPairs{{"engine", "epoll"}, {"reason", "forbidden"}}));
}

// What an operator's rules select by: the words are an interface.
TEST(LabelsTest, TextsMeanWhatTheValuesSay) {
  EXPECT_EQ(TextOf(PoolKind::kInUse), "in_use");
  EXPECT_EQ(TextOf(TakeSource::kNew), "new");
  EXPECT_EQ(TextOf(ParkedOutcome::kOtherCredential), "other_credential");
  EXPECT_EQ(TextOf(ParkedOutcome::kEvicted), "evicted");
  EXPECT_EQ(TextOf(ParkResult::kDeletes), "deletes");
  EXPECT_EQ(TextOf(ParkResult::kNodeClosed), "node_closed");
  EXPECT_EQ(TextOf(WaitResult::kClientLeft), "client_left");
  EXPECT_EQ(TextOf(NodeState::kEjected), "ejected");
  EXPECT_EQ(TextOf(AdminState::kDrain), "drain");
  EXPECT_EQ(TextOf(TransitionCause::kEjectionEnded), "ejection_ended");
  EXPECT_EQ(TextOf(RetryReason::kHoldDown), "hold_down");
  EXPECT_EQ(TextOf(ResumeResult::kNoView), "no_view");
}

// metrics/README.md states this number; a node's series must stay few enough for 100 nodes.
TEST(LayoutTest, SeriesOfANodeStayFew) {
  const auto series = [](size_t nodes) {
    Dimensions dimensions{.clusters = {"main"}};
    for (size_t i = 0; i < nodes; ++i)
      dimensions.nodes.push_back({"main", "mail" + std::to_string(i)});
    const Layout layout(dimensions);
    size_t sum = 0;
    for (size_t i = 0; i < kInstruments; ++i) {
      const Instrument instrument{static_cast<uint16_t>(i)};
      const bool is_histogram = Specs()[i].type == InstrumentType::kHistogram;
      // Each bucket, the one beyond the last bound, the sum and the count.
      const size_t each = is_histogram ? layout.CellsPerSeries(instrument) + 1 : 1;
      sum += layout.Series(instrument).size() * each;
    }
    return sum;
  };
  EXPECT_EQ(series(2) - series(1), 68u);
}

TEST(LayoutTest, KnowsWhoseASeriesIs) {
  const Layout layout(SampleDimensions());
  EXPECT_EQ(layout.NodeOf(Instrument::kNodeSessionsActive, 2), Node{2});
  const size_t reasons = LabelTraits<ConnectFailure>::kValues.size();
  EXPECT_EQ(layout.NodeOf(Instrument::kNodeConnectFailures, reasons - 1), Node{0});
  EXPECT_EQ(layout.NodeOf(Instrument::kNodeConnectFailures, reasons), Node{1});
  EXPECT_EQ(layout.NodeOf(Instrument::kLogins, 0), std::nullopt);
}

TEST(LayoutTest, KnowsOnWhichSeatASeriesIs) {
  const Layout layout(SampleDimensions());
  const auto map =
      layout.SeatOf(Instrument::kUserMapLoads, LabelTraits<LoadResult>::kValues.size());
  ASSERT_TRUE(map);
  EXPECT_EQ(map->kind, SeatKind::kUserMap);
  EXPECT_EQ(map->number, 1);
  EXPECT_EQ(layout.NodeOf(Instrument::kUserMapLoads, 0), std::nullopt);
  EXPECT_EQ(layout.SeatOf(Instrument::kLogins, 0), std::nullopt);
}

TEST(LayoutTest, EmptyDimensionsGiveNoSeries) {
  const Layout layout(Dimensions{});
  EXPECT_TRUE(layout.Series(Instrument::kNodeConnectFailures).empty());
  EXPECT_TRUE(layout.Series(Instrument::kLogins).empty());
  EXPECT_EQ(layout.Series(Instrument::kLoginRetries).size(),
            LabelTraits<RetryReason>::kValues.size());
}

TEST(LayoutDeathTest, LabelOutsideItsDimensionIsABug) {
  const Layout layout(SampleDimensions());
  EXPECT_DEATH(layout.CellOf(Instrument::kConnections, Listener{2}), "label < place.sizes");
}

}  // namespace
}  // namespace poplar::metrics
