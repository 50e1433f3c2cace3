#include "proxy/server/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace poplar::server {
namespace {

class FixedClock final : public io::Clock {
 public:
  io::Time Now() const override { return {}; }
  int64_t UnixMicros() const override { return 1'000'000; }
};

class LogTest : public testing::Test {
 protected:
  LogTest() { std::filesystem::remove(path_); }
  ~LogTest() override { std::filesystem::remove(path_); }

  std::unique_ptr<Log> Open(config::LogLevel level,
                            config::LogFormat format = config::LogFormat::kLogfmt) {
    auto log = Log::Open({.format = format, .level = level, .output = path_}, clock_);
    EXPECT_TRUE(log) << log.error();
    return std::move(*log);
  }

  std::vector<std::string> Lines() const {
    std::ifstream file(path_);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  const std::string path_ = testing::TempDir() + "log_test_" +
                            testing::UnitTest::GetInstance()->current_test_info()->name() + ".log";
  FixedClock clock_;
};

TEST_F(LogTest, WritesEventsAndSessionsInOrder) {
  auto log = Open(config::LogLevel::kInfo);
  log->Info("begun");
  log->Write(session::Record{});
  log->Warning("say \"{}\"\n");
  log->Error("ended");
  EXPECT_EQ(log->dropped(), 0u);
  log.reset();  // all of it is on disk by then
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "time=1970-01-01T00:00:01.000000Z level=info event=process message=begun");
  EXPECT_TRUE(lines[1].starts_with("time=1970-01-01T00:00:01.000000Z level=info event=session "));
  EXPECT_TRUE(lines[2].ends_with(R"(level=warning event=process message="say \"{}\"\u000a")"));
  EXPECT_TRUE(lines[3].ends_with("level=error event=process message=ended"));
}

TEST_F(LogTest, WritesJson) {
  Open(config::LogLevel::kInfo, config::LogFormat::kJson)->Info("begun");
  ASSERT_EQ(Lines().size(), 1u);
  EXPECT_EQ(
      Lines()[0],
      R"({"time":"1970-01-01T00:00:01.000000Z","level":"info","event":"process","message":"begun"})");
}

TEST_F(LogTest, LeavesOutWhatIsLessImportantThanItsLevel) {
  const size_t lines_at[] = {4, 4, 2, 1};
  for (const auto level : {config::LogLevel::kDebug, config::LogLevel::kInfo,
                           config::LogLevel::kWarning, config::LogLevel::kError}) {
    std::filesystem::remove(path_);
    auto log = Open(level);
    log->Info("i");
    log->Write(session::Record{});
    log->Warning("w");
    log->Error("e");
    log.reset();
    EXPECT_EQ(Lines().size(), lines_at[static_cast<size_t>(level)]);
  }
}

balancer::Transition Change(balancer::NodeState to, balancer::AdminState admin) {
  return {.node = balancer::NodeId{1},
          .from = balancer::NodeState::kUp,
          .to = to,
          .admin_to = admin,
          .cause = balancer::TransitionCause::kProbesFailed,
          .evidence = "3 probes failed in a row, the last: greeting_refused (-ERR \"full\"\n)"};
}

TEST_F(LogTest, WritesWhatBecameOfANodeWithTheEvidence) {
  auto log = Open(config::LogLevel::kInfo);
  log->NodeChanged("mail/n1", Change(balancer::NodeState::kDown, balancer::AdminState::kUp));
  log.reset();
  ASSERT_EQ(Lines().size(), 1u);
  EXPECT_EQ(Lines()[0],
            "time=1970-01-01T00:00:01.000000Z level=warning event=node node=mail/n1 from=up "
            "to=down admin=up cause=probes_failed evidence=\"3 probes failed in a row, the last: "
            "greeting_refused (-ERR \\\"full\\\"\\u000a)\"");
}

// A node that leaves service is worth a warning, one that comes back a note.
TEST_F(LogTest, WarnsOfANodeThatLeavesService) {
  using balancer::AdminState;
  using balancer::NodeState;
  const std::tuple<NodeState, AdminState, const char*> cases[] = {
      {NodeState::kUp, AdminState::kUp, "info"},
      {NodeState::kUp, AdminState::kDrain, "warning"},
      {NodeState::kUp, AdminState::kDown, "warning"},
      {NodeState::kDown, AdminState::kUp, "warning"},
      {NodeState::kEjected, AdminState::kUp, "warning"}};
  for (const auto& [state, admin, level] : cases) {
    for (const auto least : {config::LogLevel::kInfo, config::LogLevel::kWarning}) {
      std::filesystem::remove(path_);
      auto log = Open(least);
      log->NodeChanged("mail/n1", Change(state, admin));
      log.reset();
      const bool heard = least == config::LogLevel::kInfo || level == std::string("warning");
      ASSERT_EQ(Lines().size(), heard ? 1u : 0u);
      if (heard) EXPECT_NE(Lines()[0].find(" level=" + std::string(level)), std::string::npos);
    }
  }
}

TEST_F(LogTest, AppendsToAFileThatIsThere) {
  Open(config::LogLevel::kInfo)->Info("first");
  Open(config::LogLevel::kInfo)->Info("second");
  EXPECT_EQ(Lines().size(), 2u);
}

TEST_F(LogTest, TakesLinesFromManyThreadsWhole) {
  constexpr int kThreads = 4;
  constexpr int kLines = 500;
  auto log = Open(config::LogLevel::kInfo);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&log] {
      for (int n = 0; n < kLines; ++n) log->Info("line");
    });
  }
  for (std::thread& thread : threads) thread.join();
  const uint64_t dropped = log->dropped();
  log.reset();
  const std::vector<std::string> lines = Lines();
  EXPECT_EQ(lines.size() + dropped, size_t{kThreads * kLines});
  for (const std::string& line : lines) EXPECT_TRUE(line.ends_with(" message=line")) << line;
}

// A pipe that nobody reads: writers go on, and what doesn't fit is counted.
TEST_F(LogTest, NeverHoldsAWriterUp) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const int reader = open(path_.c_str(), O_RDONLY | O_NONBLOCK);
  auto log = Open(config::LogLevel::kInfo);
  const std::string message(1000, 'x');
  for (int i = 0; i < 20'000; ++i) log->Info(message);  // 20 MB; a pipe holds 64 KiB
  EXPECT_GT(log->dropped(), 0u);
  std::thread drain([reader] {
    std::string into(size_t{1} << 16, '\0');
    fcntl(reader, F_SETFL, 0);
    while (read(reader, into.data(), into.size()) > 0) continue;
  });
  log.reset();
  drain.join();
  close(reader);
}

TEST_F(LogTest, TellsOfNoiseByItsNumber) {
  auto log = Log::Open(
      {.format = config::LogFormat::kLogfmt, .output = path_, .noise_per_second = 2}, clock_);
  ASSERT_TRUE(log) << log.error();
  session::Record tried;
  tried.mechanism = "PLAIN";
  session::Record refused;
  refused.refused_logins = 1;
  for (int i = 0; i < 5; ++i) {
    (*log)->Write(session::Record{});
    (*log)->Write(tried);
    (*log)->Write(refused);
  }
  log->reset();
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 13u);
  EXPECT_TRUE(lines.back().starts_with(
      "time=1970-01-01T00:00:01.000000Z level=info event=noise sessions=3 message=\"3 more "))
      << lines.back();
}

TEST(LogOpen, SaysWhatItCannotWriteTo) {
  const FixedClock clock;
  for (const char* path : {"/dev", "/proc/version/poplar.log"}) {
    const auto log = Log::Open({.output = path}, clock);
    ASSERT_FALSE(log) << path;
    EXPECT_TRUE(log.error().starts_with("log.output: cannot write to " + std::string(path) + ": "))
        << log.error();
    EXPECT_NE(log.error().find("stdout, stderr or a file"), std::string::npos) << log.error();
    EXPECT_EQ(log.error().find('\n'), std::string::npos);
  }
}

TEST(LogOpen, TakesTheStandardStreams) {
  const FixedClock clock;
  testing::internal::CaptureStderr();
  {
    auto log = Log::Open({.format = config::LogFormat::kLogfmt, .output = "stderr"}, clock);
    ASSERT_TRUE(log);
    (*log)->Info("heard");
  }
  EXPECT_NE(testing::internal::GetCapturedStderr().find("message=heard\n"), std::string::npos);
  testing::internal::CaptureStdout();
  {
    auto log = Log::Open({.format = config::LogFormat::kLogfmt, .output = "stdout"}, clock);
    ASSERT_TRUE(log);
    (*log)->Info("heard");
  }
  EXPECT_NE(testing::internal::GetCapturedStdout().find("message=heard\n"), std::string::npos);
}

TEST_F(LogTest, GoesOnInANewFileWhenTheOldOneWasMovedAway) {
  auto log = Open(config::LogLevel::kInfo);
  log->Info("before");
  // What is queued is written by a thread of the log's own.
  while (Lines().size() < 1) std::this_thread::yield();
  std::filesystem::rename(path_, path_ + ".1");
  log->Reopen();
  log->Info("behind");
  log.reset();
  ASSERT_EQ(Lines().size(), 1u);
  EXPECT_TRUE(Lines()[0].ends_with("message=behind"));
  std::filesystem::remove(path_ + ".1");
}

TEST_F(LogTest, StaysInTheOldFileWhereTheNewOneCannotBeOpened) {
  auto log = Open(config::LogLevel::kInfo);
  std::filesystem::rename(path_, path_ + ".1");
  std::filesystem::create_directory(path_);
  log->Reopen();
  log->Info("behind");
  log.reset();
  std::filesystem::remove(path_);
  std::filesystem::rename(path_ + ".1", path_);
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find("level=error"), std::string::npos) << lines[0];
  EXPECT_TRUE(lines[1].ends_with("message=behind"));
}

TEST_F(LogTest, WritesFailedLoginsToAFileOfTheirOwn) {
  const std::string failed = path_ + ".failed";
  auto log = *Log::Open(
      {.level = config::LogLevel::kError, .output = path_, .failed_logins = failed}, clock_);
  session::Record record;
  log->Write(record);
  record.refused_logins = 2;
  log->Write(record);
  record.logged_in = true;  // only a typo
  log->Write(record);
  log.reset();
  EXPECT_TRUE(Lines().empty());
  std::ifstream file(failed);
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_NE(line.find("(auth failed, 2 attempts in 0 secs)"), std::string::npos) << line;
  EXPECT_FALSE(std::getline(file, line));
  std::filesystem::remove(failed);
}

}  // namespace
}  // namespace poplar::server
