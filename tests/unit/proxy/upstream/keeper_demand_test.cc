// How a keeper hears of logins, and how soon it replaces what they took.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/unit/proxy/upstream/keeper_bench.h"

namespace poplar::upstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = KeeperBench::Kind;

TEST(DemandTest, RefillsAheadOfIt) {
  KeeperBench bench({.pool = {.warm = 4}});
  bench.Start();
  bench.RunFor(seconds(30));
  EXPECT_TRUE(bench.script.connections().empty());  // nobody asks: nothing is kept
  bench.Demand(3);
  bench.WaitForWarm(3);
  Login first;
  Login second;
  EXPECT_EQ(bench.Take(first), Kind::kWarm);
  EXPECT_EQ(bench.Take(second), Kind::kWarm);
  bench.pool().OnLoginDone();
  // Refilled soon, not at the next tick: the pool tells of the demand.
  const io::Time taken = bench.Now();
  bench.WaitForWarm(4);
  EXPECT_LT(bench.Now() - taken, milliseconds(20));
  KeeperBench::Give(first);
  KeeperBench::Give(second);
}

// Far more often than it judges how many to hold: whoever comes meanwhile finds one, too.
TEST(DemandTest, ReplacesWhatWasTakenAtOnce) {
  KeeperBench bench({.pool = {.warm = 2}});
  bench.StartServing();
  bench.Demand(2);
  bench.WaitForWarm(2);
  for (int i = 0; i < 100; ++i) {
    Login login;
    EXPECT_EQ(bench.Take(login), Kind::kWarm) << i;
    KeeperBench::Give(login);
    bench.pool().OnLoginDone();
    bench.RunFor(milliseconds(2));
  }
}

// Of the last one it is told at once.
TEST(DemandTest, ReplacesOneOfSeveralOnceTheLoginIsDone) {
  KeeperBench bench({.pool = {.warm = 2}});
  bench.StartServing();
  bench.Demand(2);
  bench.WaitForWarm(2);
  bench.RunFor(milliseconds(50));  // the demand is judged by then
  Login first;
  Login second;
  EXPECT_EQ(bench.Take(first), Kind::kWarm);
  bench.RunFor(milliseconds(20));
  EXPECT_EQ(bench.pool().counts().warm, 1u);
  bench.pool().OnLoginDone();
  bench.RunFor(milliseconds(20));
  EXPECT_EQ(bench.pool().counts().warm, 2u);
  KeeperBench::Give(first);
  EXPECT_EQ(bench.Take(first), Kind::kWarm);
  EXPECT_EQ(bench.Take(second), Kind::kWarm);
  bench.RunFor(milliseconds(20));
  EXPECT_EQ(bench.pool().counts().warm, 2u);
  KeeperBench::Give(first);
  KeeperBench::Give(second);
}

TEST(DemandTest, IsToldOfALoginOnAnotherThread) {
  KeeperBench bench({.pool = {.warm = 2}});
  bench.StartServing();
  std::thread([&bench] { bench.Demand(1); }).join();
  EXPECT_EQ(bench.pool().counts().warm, 0u);
  const io::Time told = bench.Now();
  bench.WaitForWarm(1);
  EXPECT_LT(bench.Now() - told, milliseconds(20)) << "it had to wait for the next tick";
}

}  // namespace
}  // namespace poplar::upstream
