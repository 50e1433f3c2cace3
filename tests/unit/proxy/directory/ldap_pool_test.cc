#include "proxy/directory/ldap_pool.h"

#include <gtest/gtest.h>

#include <future>

#include "proxy/io/system_clock.h"

namespace poplar::directory {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using Kind = Answer::Kind;

// Answers with the user's name as soon as it may.
struct Gate {
  std::atomic<int> asking = 0;
  std::promise<void> opened;
  std::shared_future<void> open = opened.get_future().share();
};
class GatedAsker final : public LdapAsker {
 public:
  explicit GatedAsker(Gate& gate) : gate_(gate) {}
  Answer Ask(const std::string& user, io::Time, const std::atomic<bool>& stop) override {
    ++gate_.asking;
    while (!stop && gate_.open.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready);
    if (stop) return {.text = "stopped"};
    return {.kind = Kind::kFound, .found = {.place = user}};
  }

 private:
  Gate& gate_;
};

class LdapPoolTest : public testing::Test {
 protected:
  void Start(size_t threads) {
    std::vector<std::unique_ptr<LdapAsker>> askers;
    for (size_t i = 0; i < threads; ++i) askers.push_back(std::make_unique<GatedAsker>(gate_));
    pool_ = std::move(LdapPool::Start(clock_, std::move(askers)).value());
  }
  // Posts, and gives what will be answered.
  std::future<Answer> Ask(const std::string& user, io::Duration patience = hours(1)) {
    auto answer = std::make_shared<std::promise<Answer>>();
    auto task = std::make_shared<LdapTask>(user, clock_.Now() + patience,
                                           [answer](Answer given) { answer->set_value(given); });
    EXPECT_TRUE(pool_->Post(task));
    tasks_.push_back(task);
    return answer->get_future();
  }
  void AwaitAsking(int count) {
    while (gate_.asking < count) std::this_thread::yield();
  }

  const io::SystemClock clock_;
  Gate gate_;
  std::unique_ptr<LdapPool> pool_;
  std::vector<std::shared_ptr<LdapTask>> tasks_;
};

TEST_F(LdapPoolTest, AsksAsManyAtOnceAsThereAreThreads) {
  Start(2);
  std::vector<std::future<Answer>> answers;
  for (const char* user : {"a", "b", "c", "d"}) answers.push_back(Ask(user));
  AwaitAsking(2);
  EXPECT_EQ(gate_.asking, 2);
  gate_.opened.set_value();
  std::string places;
  for (auto& answer : answers) places += answer.get().found.place;
  EXPECT_EQ(places, "abcd");
}

TEST_F(LdapPoolTest, WhatWasAbandonedIsNotAskedAndNotAnswered) {
  Start(1);
  auto first = Ask("a");
  AwaitAsking(1);
  auto second = Ask("b");
  EXPECT_TRUE(tasks_[0]->Abandon());
  EXPECT_TRUE(tasks_[1]->Abandon());
  EXPECT_FALSE(tasks_[1]->Abandon());
  auto third = Ask("c");
  gate_.opened.set_value();
  EXPECT_EQ(third.get().found.place, "c");
  EXPECT_EQ(gate_.asking, 2);
  // Nobody is left who could answer.
  EXPECT_THROW(first.get(), std::future_error);
  EXPECT_THROW(second.get(), std::future_error);
  // Too late: it was given.
  EXPECT_FALSE(tasks_[2]->Abandon());
}

TEST_F(LdapPoolTest, WhatWaitedTooLongIsNotAsked) {
  Start(1);
  auto first = Ask("a");
  AwaitAsking(1);
  auto second = Ask("b", seconds(0));
  gate_.opened.set_value();
  EXPECT_EQ(first.get().kind, Kind::kFound);
  EXPECT_EQ(second.get().text, "no thread was free in time");
  EXPECT_EQ(gate_.asking, 1);
}

TEST_F(LdapPoolTest, TheQueueIsBoundedAndAbandonedOnesMakeRoom) {
  Start(1);
  std::vector<std::future<Answer>> answers;
  answers.push_back(Ask("first"));
  AwaitAsking(1);
  for (size_t i = 0; i < LdapPool::kQueueMax; ++i) answers.push_back(Ask(std::to_string(i)));
  const auto more = [this] {
    return pool_->Post(
        std::make_shared<LdapTask>("more", clock_.Now() + hours(1), [](const Answer&) {}));
  };
  EXPECT_FALSE(more());
  EXPECT_TRUE(tasks_.back()->Abandon());
  EXPECT_TRUE(more());
  EXPECT_FALSE(more());
}

TEST_F(LdapPoolTest, ItsEndAnswersWhatWaits) {
  Start(1);
  auto first = Ask("a");
  AwaitAsking(1);
  auto second = Ask("b");
  pool_ = nullptr;
  EXPECT_EQ(first.get().text, "stopped");
  EXPECT_EQ(second.get().text, "the directory is asked no more");
}

}  // namespace
}  // namespace poplar::directory
