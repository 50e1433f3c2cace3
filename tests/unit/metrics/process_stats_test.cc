#include "metrics/process_stats.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace poplar::metrics {
namespace {

// Fields 3 to 26 of proc(5); starttime 12345, vsize 4096000, rss 100.
constexpr char kTail[] =
    "S 1 1 1 0 -1 4194304 100 0 0 0 250 50 7 8 20 0 3 0 12345 4096000 100 18446744073709551615 1 "
    "1\n";

TEST(ProcessStatsTest, ParsesProcStatWhateverTheProcessIsCalled) {
  for (const char* name : {"(poplar)", "(a b)", "(x) R 9 9)", "()"}) {
    const auto stats = ParseProcStat("42 " + std::string(name) + " " + kTail, 100, 4096);
    ASSERT_TRUE(stats.has_value()) << name;
    EXPECT_DOUBLE_EQ(stats->start_time_seconds, 123.45);
    EXPECT_EQ(stats->virtual_bytes, 4096000u);
    EXPECT_EQ(stats->resident_bytes, 409600u);
  }
}

TEST(ProcessStatsTest, EveryTruncationIsAnErrorNotANumber) {
  const std::string good = std::string("42 (poplar) ") + kTail;
  const size_t needed = good.find(" 18446744073709551615");
  for (size_t size = 0; size + 3 < needed; ++size) {
    EXPECT_FALSE(ParseProcStat(good.substr(0, size), 100, 4096).has_value()) << size;
  }
  EXPECT_TRUE(ParseProcStat(good.substr(0, needed), 100, 4096).has_value());
  EXPECT_FALSE(ParseProcStat(good, 0, 4096).has_value());
  std::string bad = good;
  bad.replace(bad.find("12345"), 5, "x2345");
  EXPECT_FALSE(ParseProcStat(bad, 100, 4096).has_value());
}

TEST(ProcessStatsTest, ParsesBootTime) {
  EXPECT_EQ(ParseBootTime("cpu 1 2\nbtime 1700000000\nprocesses 5\n"), 1700000000u);
  EXPECT_EQ(ParseBootTime("cpu 1 2\n"), std::nullopt);
  EXPECT_EQ(ParseBootTime("\nbtime x\n"), std::nullopt);
  EXPECT_EQ(ParseBootTime(""), std::nullopt);
}

TEST(ProcessStatsTest, SeesThisProcess) {
  const auto before = ReadProcessStats();
  ASSERT_TRUE(before.has_value());
  EXPECT_GT(before->resident_bytes, 100'000u);
  EXPECT_GE(before->virtual_bytes, before->resident_bytes);
  EXPECT_GT(before->start_time_seconds, 1'500'000'000.0);
  EXPECT_GT(before->max_fds, 0u);
  EXPECT_GT(before->cpu_seconds, 0.0);
  std::vector<int> fds;
  for (int i = 0; i < 10; ++i) fds.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(ReadProcessStats()->open_fds, before->open_fds + 10);
  for (int fd : fds) ::close(fd);
}

}  // namespace
}  // namespace poplar::metrics
