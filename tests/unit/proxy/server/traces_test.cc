#include "proxy/server/traces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "proxy/io/system_clock.h"

namespace poplar::server {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class TracesTest : public testing::Test {
 protected:
  TracesTest() {
    std::filesystem::create_directories(folder_);
    config_.directory = folder_ + "/traces";
    std::filesystem::create_directories(config_.directory);
    log_ = *Log::Open({.output = folder_ + "/log"}, clock_);
  }
  ~TracesTest() override { std::filesystem::remove_all(folder_); }

  static std::string TextOf(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  // Until the trace's file has its last line.
  static std::string Ended(const std::string& path) {
    std::string text = TextOf(path);
    for (int i = 0; i < 100'000 && text.find("[the trace ends") == text.npos; ++i) {
      std::this_thread::yield();
      text = TextOf(path);
    }
    return text;
  }
  void Make() {
    traces_ = std::make_unique<Traces>(config_, clock_, *log_, [this](const auto& rules) {
      rules_ = rules;
      ++published_;
    });
  }
  metrics::ApiResult<metrics::TraceView> OfUser(const std::string& user,
                                                const std::string& duration = {}) {
    return traces_->Start({.name = user}, user, duration);
  }
  // The rules may have been changed by the writer's thread: only where nothing ends by itself.
  trace::Sinks SinksOf(std::string_view user) const { return rules_->OfUser(user); }

  const std::string folder_ = testing::TempDir() + "traces_" + std::to_string(getpid());
  io::SystemClock clock_;
  config::TraceConfig config_;
  std::unique_ptr<Log> log_;
  std::shared_ptr<const trace::Rules> rules_;
  int published_ = 0;
  std::unique_ptr<Traces> traces_;
};

TEST_F(TracesTest, WritesWithTimeSessionAndSideUntilItIsStopped) {
  Make();
  const auto begun = OfUser("alice", "90s");
  ASSERT_TRUE(begun) << begun.error().why;
  EXPECT_EQ(begun->id, 1u);
  EXPECT_EQ(begun->until, begun->began + 90);
  ASSERT_EQ(SinksOf("alice").size(), 1u);
  const auto sink = SinksOf("alice").front();
  sink->Line(0x0fa3, "client", "C: STAT");
  ASSERT_EQ(traces_->List().size(), 1u);
  EXPECT_EQ(traces_->List()[0].of, "alice");
  ASSERT_TRUE(traces_->Stop(1));
  EXPECT_TRUE(rules_->empty());
  EXPECT_TRUE(traces_->List().empty());
  sink->Line(0x0fa3, "client", "C: too late");
  const std::string text = Ended(begun->file);
  constexpr char kTime[] = "[0-9-]{10}T[0-9:]{8}\\.[0-9]{3}Z ";
  const std::string time = kTime;
  EXPECT_THAT(text, MatchesRegex(time + "- - \\[trace 1 of a user begins\\]\n" + time +
                                 "0000000000000fa3 client C: STAT\n" + time +
                                 "- - \\[the trace ends: an operator stopped it\\]\n"));
  traces_.reset();
  EXPECT_THAT(TextOf(begun->file), Not(HasSubstr("too late")));
  log_.reset();
  const std::string log = TextOf(folder_ + "/log");
  EXPECT_THAT(log, HasSubstr("trace 1 of a user begins, for 90s"));
  EXPECT_THAT(log, HasSubstr("trace 1 of a user has ended: an operator stopped it"));
  EXPECT_THAT(log, Not(HasSubstr("alice")));
}

TEST_F(TracesTest, EndsWhenItsTimeIsOver) {
  Make();
  const auto begun = OfUser("alice", "50ms");
  ASSERT_TRUE(begun) << begun.error().why;
  EXPECT_THAT(Ended(begun->file), HasSubstr("[the trace ends: its time is over]"));
  EXPECT_TRUE(traces_->List().empty());
  EXPECT_EQ(traces_->Stop(begun->id).error().status, 404);
}

TEST_F(TracesTest, EndsWhenItsFileIsFull) {
  config_.file_bytes_max = config::KiB(16);
  Make();
  const auto begun = OfUser("alice");
  ASSERT_TRUE(begun) << begun.error().why;
  const auto sink = SinksOf("alice").front();
  for (int i = 0; i < 1000; ++i) sink->Line(1, "client", std::string(100, 'x'));
  const std::string text = Ended(begun->file);
  EXPECT_THAT(text, EndsWith("[the trace ends: its file is as large as it may be]\n"));
  EXPECT_LE(text.size(), 16u * 1024);
  EXPECT_GT(text.size(), 15u * 1024);
}

TEST_F(TracesTest, EndsWithPoplar) {
  Make();
  const auto begun = OfUser("alice");
  ASSERT_TRUE(begun) << begun.error().why;
  const auto sink = SinksOf("alice").front();
  sink->Line(1, "client", "C: the last words");
  traces_.reset();
  EXPECT_THAT(TextOf(begun->file), HasSubstr("C: the last words\n"));
  EXPECT_THAT(TextOf(begun->file), EndsWith("[the trace ends: Poplar stops]\n"));
  sink->Line(1, "client", "C: of a session that is still there");
}

// However fast they come, each is written or counted.
TEST_F(TracesTest, CountsWhatItHasNoRoomFor) {
  config_.file_bytes_max = config::MiB(100);
  Make();
  const auto begun = OfUser("alice");
  ASSERT_TRUE(begun) << begun.error().why;
  const auto sink = SinksOf("alice").front();
  constexpr size_t kLines = 20 * Traces::kQueuedLinesMax;
  for (size_t i = 0; i < kLines; ++i) sink->Line(1, "client", "C: NOOP");
  ASSERT_TRUE(traces_->Stop(1));
  const std::string text = Ended(begun->file);
  size_t written = 0;
  size_t told = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    written += line.ends_with("C: NOOP") ? 1 : 0;
    const size_t at = line.find(" lines dropped]");
    if (at != line.npos) told += std::stoul(line.substr(line.rfind('[', at) + 1));
  }
  EXPECT_EQ(written + traces_->dropped(), kLines);
  EXPECT_EQ(told, traces_->dropped());
}

TEST_F(TracesTest, SaysWhyItCannotBegin) {
  config_.duration_max = std::chrono::minutes(5);
  config_.at_once_max = 2;
  Make();
  const auto first = OfUser("alice");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->until, first->began + 300);  // the usual 10m would be too long
  for (const char* wrong : {"0s", "6m", "soon", "-1s"}) {
    const auto refused = OfUser("alice", wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().status, 400);
    EXPECT_THAT(refused.error().why, HasSubstr("for: "));
  }
  ASSERT_TRUE(OfUser("alice", "5m"));
  const auto third = OfUser("bob");
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().status, 503);
  EXPECT_THAT(third.error().why, HasSubstr("trace.at_once_max"));
  EXPECT_EQ(SinksOf("alice").size(), 2u);

  config_.directory += "/none";
  Make();
  EXPECT_THAT(OfUser("alice").error().why, HasSubstr("No such file"));
  config_.directory.clear();
  Make();
  EXPECT_THAT(OfUser("alice").error().why, HasSubstr("set trace.directory"));
}

TEST_F(TracesTest, TakesLinesFromManyThreads) {
  config_.at_once_max = 2;
  Make();
  ASSERT_TRUE(OfUser("alice"));
  ASSERT_TRUE(OfUser("bob"));
  std::vector<std::thread> threads;
  for (const char* user : {"alice", "bob", "alice"}) {
    threads.emplace_back([sink = SinksOf(user).front()] {
      for (uint64_t i = 0; i < 2000; ++i) sink->Line(i, "client", "C: NOOP");
    });
  }
  ASSERT_TRUE(traces_->Stop(1));
  for (std::thread& thread : threads) thread.join();
  traces_.reset();
  EXPECT_TRUE(rules_->empty());
}

}  // namespace
}  // namespace poplar::server
