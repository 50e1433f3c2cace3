#include "metrics/move_gauges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "metrics/exporter.h"
#include "tests/unit/metrics/sample_dimensions.h"

namespace poplar::metrics {
namespace {

using testing::HasSubstr;

TEST(MoveGauges, EachScrapeSaysWhatIsNow) {
  Dimensions dimensions = SampleDimensions();
  dimensions.moves = {"away"};
  const Layout layout(dimensions);
  Shard shard(layout);
  std::vector<MoveView> told(1);
  std::vector<MoveView> moves = {{.label = Move{0},
                                  .name = "away",
                                  .permille = 25,
                                  .waiting = 1,
                                  .ending = 2,
                                  .landed = 3,
                                  .waited_too_long = 4,
                                  .ended = 5}};
  const auto expect = [&](std::initializer_list<const char*> lines) {
    SetMoveGauges(shard, moves, told);
    const std::string text = Exporter(layout, {&shard}, {}).Text();
    for (const std::string line : lines) EXPECT_THAT(text, HasSubstr("\n" + line + "\n"));
  };
  expect({"poplar_move_permille{move=\"away\"} 25", "poplar_move_logins_waiting{move=\"away\"} 1",
          "poplar_move_sessions_ending{move=\"away\"} 2",
          "poplar_move_logins_total{move=\"away\",result=\"landed\"} 3",
          "poplar_move_logins_total{move=\"away\",result=\"waited_too_long\"} 4",
          "poplar_move_sessions_ended_total{move=\"away\"} 5"});
  moves[0].waiting = 0;
  moves[0].landed = 10;
  expect({"poplar_move_logins_waiting{move=\"away\"} 0",
          "poplar_move_logins_total{move=\"away\",result=\"landed\"} 10",
          "poplar_move_sessions_ended_total{move=\"away\"} 5"});
}

}  // namespace
}  // namespace poplar::metrics
