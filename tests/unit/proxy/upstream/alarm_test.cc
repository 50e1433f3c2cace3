#include "proxy/upstream/alarm.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "proxy/io/task_scope.h"
#include "tests/unit/proxy/upstream/node_bench.h"

namespace poplar::upstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

io::Task<void> WakeEverySecond(NodeBench* bench, Alarm* alarm, std::vector<io::Duration>* woken) {
  const io::Time begun = bench->Now();
  for (int i = 0; i < 3; ++i) {
    co_await alarm->Until(bench->Now() + seconds(1));
    woken->push_back(bench->Now() - begun);
  }
}

TEST(AlarmTest, WakesAtTheTime) {
  NodeBench bench;
  Alarm alarm(bench.poplar());
  std::vector<io::Duration> woken;
  bench.scope().Spawn(WakeEverySecond(&bench, &alarm, &woken));
  EXPECT_TRUE(bench.Run([&woken] { return woken.size() == 3; }));
  for (size_t i = 0; i < woken.size(); ++i) {
    EXPECT_GE(woken[i], seconds(i + 1));
    EXPECT_LT(woken[i], seconds(i + 1) + milliseconds(100));
  }
}

TEST(AlarmTest, WakesEarlierWhenRung) {
  NodeBench bench;
  Alarm alarm(bench.poplar());
  std::vector<io::Duration> woken;
  alarm.Ring();  // before anybody waits: remembered
  bench.scope().Spawn(WakeEverySecond(&bench, &alarm, &woken));
  bench.world().After(milliseconds(300), [&alarm] { alarm.Ring(); });
  EXPECT_TRUE(bench.Run([&woken] { return woken.size() == 3; }));
  EXPECT_LT(woken[0], milliseconds(1));
  EXPECT_GE(woken[1], milliseconds(300));
  EXPECT_LT(woken[1], milliseconds(301));
  EXPECT_GE(woken[2], milliseconds(1300));
}

}  // namespace
}  // namespace poplar::upstream
