#include "proxy/directory/ldap_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "proxy/io/system_clock.h"
#include "proxy/io/task_scope.h"
#include "tests/unit/proxy/io/engine_of_tests.h"

namespace poplar::directory {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::HasSubstr;
using Kind = Answer::Kind;

// Users called "hang" are asked for until somebody stops it, the others are found at once.
class HangingAsker final : public LdapAsker {
 public:
  Answer Ask(const std::string& user, io::Time, const std::atomic<bool>& stop) override {
    while (user == "hang" && !stop) std::this_thread::yield();
    return {.kind = Kind::kFound, .found = {.place = "of " + user}};
  }
};

// One worker, on the real kernel: an answer comes from another thread.
class LdapSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto proactor = io::OpenProactor(io::EngineOfTests(), clock_, random_, {});
    if (!proactor) GTEST_SKIP() << proactor.error().text;
    proactor_ = std::move(*proactor);
    scope_.emplace(proactor_->ready());
    settings_.name = "people";
    settings_.timeout = minutes(5);
    std::vector<std::unique_ptr<LdapAsker>> askers;
    askers.push_back(std::make_unique<HangingAsker>());
    pool_ = std::move(LdapPool::Start(clock_, std::move(askers)).value());
    source_.emplace(*proactor_, settings_, *pool_);
  }

  io::Task<void> AskTask(std::string user, std::optional<Answer>* answer) {
    Question question;
    question.user = std::move(user);
    question.login = "never";
    *answer = co_await source_->Ask(question);
  }
  std::optional<Answer>& Begin(std::string user) {
    std::optional<Answer>& answer = answers_.emplace_back();
    scope_->Spawn(AskTask(std::move(user), &answer));
    return answer;
  }
  io::Task<void> EndWhenAnswered() {
    co_await scope_->Empty();
    proactor_->Stop();
  }
  void Run() {
    io::TaskScope root(proactor_->ready());
    root.Spawn(EndWhenAnswered());
    proactor_->Run();
  }
  io::Task<void> StopLater() {
    co_await proactor_->Sleep(milliseconds(50));
    source_->Stop();
    Begin("late");
  }

  const io::SystemClock clock_;
  io::SystemRandom random_;
  std::unique_ptr<io::Proactor> proactor_;
  std::optional<io::TaskScope> scope_;
  LdapSettings settings_;
  std::unique_ptr<LdapPool> pool_;
  std::optional<LdapSource> source_;
  std::deque<std::optional<Answer>> answers_;
};

TEST_F(LdapSourceTest, BringsAnswersOfTheThreads) {
  for (int i = 0; i < 100; ++i) Begin(std::to_string(i));
  Run();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(answers_[i]->found.place, "of " + std::to_string(i));
}

TEST_F(LdapSourceTest, WaitsForItsTimeAndNoLonger) {
  settings_.timeout = milliseconds(100);
  const io::Time begun = clock_.Now();
  Begin("hang");
  Begin("behind it");
  Run();
  EXPECT_LT(clock_.Now() - begun, std::chrono::seconds(10));
  for (const auto& answer : answers_) {
    EXPECT_EQ(answer->kind, Kind::kUnavailable);
    EXPECT_EQ(answer->text, "directory people: gave no answer in time");
  }
}

TEST_F(LdapSourceTest, StopsAtOnce) {
  Begin("hang");
  Begin("behind it");
  scope_->Spawn(StopLater());
  Run();
  EXPECT_EQ(answers_.size(), 3u);
  for (const auto& answer : answers_) EXPECT_EQ(answer->text, "directory people: stopped");
}

TEST_F(LdapSourceTest, SaysThatTooManyWait) {
  settings_.timeout = milliseconds(200);
  for (size_t i = 0; i < LdapPool::kQueueMax + 10; ++i) Begin("hang");
  Run();
  EXPECT_THAT(answers_.back()->text, HasSubstr("too many questions wait for it already"));
}

}  // namespace
}  // namespace poplar::directory
