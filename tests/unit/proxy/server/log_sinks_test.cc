#include "proxy/server/log_sinks.h"

#include <gtest/gtest.h>
#include <spdlog/async_logger.h>

#include <cstdio>
#include <future>
#include <memory>
#include <string>
#include <vector>

namespace poplar::server {
namespace {

// Counts; its first line takes until it is let go on.
class CountingSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::promise<void> go_on;
  std::promise<void> begun;
  int lines = 0;
  int flushes = 0;

 private:
  void sink_it_(const spdlog::details::log_msg&) override {
    if (lines++ > 0) return;
    begun.set_value();
    go_on.get_future().wait();
  }
  void flush_() override { ++flushes; }
};

void NoPause(io::Duration) { ADD_FAILURE() << "a pause without a burst"; }

TEST(GatheringSink, WritesWhatCameMeanwhileAtOnce) {
  const auto counting = std::make_shared<CountingSink>();
  const auto other = std::make_shared<CountingSink>();
  std::vector<spdlog::sink_ptr> all = {counting, other};
  auto pool = std::make_shared<spdlog::details::thread_pool>(64, 1);
  auto logger = std::make_shared<spdlog::async_logger>(
      "test", std::make_shared<GatheringSink>(*pool, all, counting, [](io::Duration) {}), pool,
      spdlog::async_overflow_policy::block);
  logger->info("first");
  counting->begun.get_future().wait();
  for (int i = 0; i < 20; ++i) logger->info("more");
  counting->go_on.set_value();
  pool.reset();  // all lines have been taken by then
  EXPECT_EQ(counting->lines, 21);
  // None if the end of the thread was queued behind the last one by then.
  EXPECT_LE(counting->flushes, 1);
  EXPECT_EQ(other->flushes, counting->flushes);
}

TEST(GatheringSink, WritesTheOnlyLineWithoutWaiting) {
  const auto counting = std::make_shared<CountingSink>();
  const auto other = std::make_shared<CountingSink>();
  counting->go_on.set_value();
  std::vector<spdlog::sink_ptr> all = {counting, other};
  spdlog::details::thread_pool pool(64, 1);
  GatheringSink sink(pool, all, counting, &NoPause);
  sink.log(spdlog::details::log_msg("test", spdlog::level::info, "line"));
  EXPECT_EQ(counting->flushes, 1);
  EXPECT_EQ(other->flushes, 1) << "it may have lines of before";
}

// The lines' own times count, not when they are written; and their average, not their gaps.
TEST(GatheringSink, PausesBehindABurst) {
  const auto counting = std::make_shared<CountingSink>();
  counting->go_on.set_value();
  std::vector<spdlog::sink_ptr> all = {counting};
  spdlog::details::thread_pool pool(64, 1);
  int pauses = 0;
  GatheringSink sink(pool, all, counting, [&](io::Duration time) {
    EXPECT_EQ(time, GatheringSink::kGatherTime);
    EXPECT_EQ(counting->flushes, counting->lines) << "what is there waits for nothing";
    ++pauses;
  });
  spdlog::details::log_msg line("test", spdlog::level::info, "line");
  const auto log = [&](int count, std::chrono::microseconds apart) {
    for (int i = 0; i < count; ++i) {
      line.time += i % 2 == 0 ? apart / 2 : apart * 3 / 2;
      sink.log(line);
    }
  };
  constexpr auto kMean =
      std::chrono::microseconds(GatheringSink::kBurstTime) / GatheringSink::kBurstLines;
  log(100, kMean * 11 / 10);
  EXPECT_EQ(pauses, 0);
  log(100, kMean * 9 / 10);
  EXPECT_GE(pauses, 100 - int{GatheringSink::kBurstLines});
  pauses = 0;
  line.time += std::chrono::seconds(1);
  log(GatheringSink::kBurstLines, std::chrono::microseconds(10));
  EXPECT_EQ(pauses, 0) << "that many and the one before were not close";
  log(1, std::chrono::microseconds(10));
  EXPECT_EQ(pauses, 1);
}

TEST(StandardSink, WritesWholeLinesWhenFlushed) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  StandardSink sink(file);
  sink.set_pattern("%v");
  for (const char* line : {"one", "two"})
    sink.log(spdlog::details::log_msg("test", spdlog::level::info, line));
  EXPECT_EQ(std::ftell(file), 0);
  sink.flush();
  EXPECT_EQ(std::ftell(file), 8);
  sink.flush();
  EXPECT_EQ(std::ftell(file), 8) << "nothing twice";
  std::fclose(file);
}

}  // namespace
}  // namespace poplar::server
