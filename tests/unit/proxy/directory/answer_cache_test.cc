#include "proxy/directory/answer_cache.h"

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>

#include "tests/simulation/network.h"
#include "tests/simulation/sim_proactor.h"

namespace poplar::directory {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Kind = Answer::Kind;

// Answers as it was told to, after a while.
class SlowSource final : public Source {
 public:
  explicit SlowSource(io::Proactor& proactor) : proactor_(proactor) {}
  io::Task<Answer> Ask(const Question& question) override {
    asked.push_back(question.user);
    co_await proactor_.Sleep(milliseconds(100));
    co_return answer;
  }
  void Stop() override {}

  Answer answer{.kind = Kind::kFound, .found = {.place = "mail"}};
  std::vector<std::string> asked;

 private:
  io::Proactor& proactor_;
};

// Two workers that share a cache, each with its own source.
class AnswerCacheTest : public testing::Test {
 protected:
  struct Worker {
    Worker(simulation::Network& network, const char* name, const char* host)
        : proactor(network, name, *io::Address::Parse(host, 0)),
          scope(proactor.ready()),
          source(proactor) {}
    simulation::SimProactor proactor;
    io::TaskScope scope;
    SlowSource source;
  };
  struct Asked {
    std::optional<Answer> answer;
  };

  void TearDown() override {
    Run([this] { return one_.scope.count() + two_.scope.count() == 0; });
  }

  static Question About(std::string user, uint8_t credential = 1) {
    Question question;
    question.user = question.login = std::move(user);
    question.mechanism = "USER";
    question.digest.bytes[0] = credential;
    return question;
  }
  io::Task<void> Ask(Worker* worker, Question question, Asked* asked) {
    asked->answer =
        co_await cache_->Ask(worker->proactor, worker->scope, worker->source, std::move(question));
  }
  Asked& Begin(Worker& worker, Question question) {
    Asked& asked = all_.emplace_back();
    worker.scope.Spawn(Ask(&worker, std::move(question), &asked));
    return asked;
  }
  bool Run(const std::function<bool()>& predicate) {
    return world_.RunUntil(predicate, minutes(10));
  }
  Answer Get(Question question) {
    const Asked& asked = Begin(one_, std::move(question));
    EXPECT_TRUE(Run([&] { return asked.answer.has_value(); })) << world_.why_not();
    return asked.answer.value_or(Answer{});
  }
  static io::Task<void> Sleep(io::Proactor* proactor, io::Duration time, bool* over) {
    co_await proactor->Sleep(time);
    *over = true;
  }
  void Pass(io::Duration time) {
    bool over = false;
    one_.scope.Spawn(Sleep(&one_.proactor, time, &over));
    EXPECT_TRUE(Run([&] { return over; }));
  }
  void Use(const CacheRules& rules, size_t most = AnswerCache::kEntriesMax) {
    cache_.emplace(rules, most);
  }
  size_t asked() const { return one_.source.asked.size() + two_.source.asked.size(); }

  simulation::World world_{7};
  simulation::Network network_{world_, {}};
  std::optional<AnswerCache> cache_{std::in_place, CacheRules{}};
  Worker one_{network_, "one", "192.0.2.1"};
  Worker two_{network_, "two", "192.0.2.2"};
  std::deque<Asked> all_;
};

TEST_F(AnswerCacheTest, KeepsAnAnswerForItsTime) {
  EXPECT_EQ(Get(About("anna")).found.place, "mail");
  Pass(seconds(59));
  EXPECT_EQ(Get(About("anna")).found.place, "mail");
  EXPECT_EQ(asked(), 1u);
  one_.source.answer.found.place = "archive";
  Pass(seconds(1));
  EXPECT_EQ(Get(About("anna")).found.place, "archive");
  EXPECT_EQ(asked(), 2u);
  EXPECT_EQ(cache_->counts().fresh, 1u);
}

TEST_F(AnswerCacheTest, KeepsANoForLess) {
  one_.source.answer = {.kind = Kind::kUnknown};
  EXPECT_EQ(Get(About("anna")).kind, Kind::kUnknown);
  Pass(seconds(4));
  EXPECT_EQ(Get(About("anna")).kind, Kind::kUnknown);
  EXPECT_EQ(asked(), 1u);
  Pass(seconds(1));
  EXPECT_EQ(Get(About("anna")).kind, Kind::kUnknown);
  EXPECT_EQ(asked(), 2u);
}

TEST_F(AnswerCacheTest, AsksOnceForAllWhoAskAtATime) {
  std::vector<const Asked*> waiting;
  for (int i = 0; i < 5; ++i) {
    waiting.push_back(&Begin(one_, About("anna")));
    waiting.push_back(&Begin(two_, About("anna")));
  }
  const Asked& other = Begin(two_, About("bob"));
  EXPECT_TRUE(Run([&] {
    return other.answer.has_value() &&
           std::all_of(waiting.begin(), waiting.end(),
                       [](const Asked* each) { return each->answer.has_value(); });
  }));
  for (const Asked* each : waiting) EXPECT_EQ(each->answer->found.place, "mail");
  EXPECT_EQ(asked(), 2u);
  EXPECT_EQ(cache_->counts().merged, 9u);
}

TEST_F(AnswerCacheTest, OneCredentialsAnswerHoldsForNoOther) {
  Use({.by_credential = true});
  EXPECT_EQ(Get(About("anna", 1)).kind, Kind::kFound);
  one_.source.answer = {.kind = Kind::kRefused, .text = "no"};
  EXPECT_EQ(Get(About("anna", 2)).kind, Kind::kRefused);
  EXPECT_EQ(Get(About("anna", 2)).text, "no");  // kept
  EXPECT_EQ(Get(About("anna", 1)).kind, Kind::kFound);
  Question other_way = About("anna", 1);
  other_way.mechanism = "SCRAM-SHA-256";
  EXPECT_EQ(Get(std::move(other_way)).kind, Kind::kRefused);
  EXPECT_EQ(asked(), 3u);
}

TEST_F(AnswerCacheTest, ARefusalIsNotKeptForAWholeUser) {
  one_.source.answer = {.kind = Kind::kRefused};
  EXPECT_EQ(Get(About("anna")).kind, Kind::kRefused);
  EXPECT_EQ(Get(About("anna")).kind, Kind::kRefused);
  EXPECT_EQ(asked(), 2u);
}

TEST_F(AnswerCacheTest, ThatItIsTooEarlyIsNotKept) {
  Use({.by_credential = true});
  one_.source.answer = {.kind = Kind::kNotYet, .wait = seconds(1)};
  EXPECT_EQ(Get(About("anna", 1)).wait, seconds(1));
  one_.source.answer = {.kind = Kind::kFound};
  EXPECT_EQ(Get(About("anna", 1)).kind, Kind::kFound);
  EXPECT_EQ(asked(), 2u);
}

TEST_F(AnswerCacheTest, APasswordIsNeverKept) {
  one_.source.answer.found.password = std::make_shared<const pop3::Secret>("inner");
  EXPECT_EQ(Get(About("anna")).found.password->Expose(), "inner");
  EXPECT_EQ(Get(About("anna")).found.password->Expose(), "inner");
  EXPECT_EQ(asked(), 2u);
  all_.clear();
  EXPECT_EQ(one_.source.answer.found.password.use_count(), 1);
}

TEST_F(AnswerCacheTest, WhatWasKnownCountsWhileNobodyAnswers) {
  Use({.found_ttl = seconds(10), .stale_ttl = minutes(1)});
  EXPECT_EQ(Get(About("anna")).kind, Kind::kFound);
  one_.source.answer = {.kind = Kind::kUnavailable, .text = "down"};
  Pass(seconds(11));
  EXPECT_EQ(Get(About("anna")).found.place, "mail");
  EXPECT_EQ(cache_->counts().stale, 1u);
  EXPECT_EQ(Get(About("anna")).found.place, "mail");  // not asked at once again
  EXPECT_EQ(asked(), 2u);
  EXPECT_EQ(Get(About("bob")).text, "down");  // nothing was known of
  Pass(minutes(1));
  EXPECT_EQ(Get(About("anna")).kind, Kind::kUnavailable);
  // And when it is back, it counts.
  one_.source.answer = {.kind = Kind::kFound, .found = {.place = "archive"}};
  EXPECT_EQ(Get(About("anna")).found.place, "archive");
}

TEST_F(AnswerCacheTest, ANoIsNeverStale) {
  one_.source.answer = {.kind = Kind::kUnknown};
  EXPECT_EQ(Get(About("anna")).kind, Kind::kUnknown);
  one_.source.answer = {.kind = Kind::kUnavailable};
  Pass(seconds(6));
  EXPECT_EQ(Get(About("anna")).kind, Kind::kUnavailable);
}

TEST_F(AnswerCacheTest, NothingIsKeptWhereTheOperatorSaysSo) {
  Use({.found_ttl = seconds(0), .unknown_ttl = seconds(0), .stale_ttl = seconds(0)});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get(About("anna")).kind, Kind::kFound);
  EXPECT_EQ(asked(), 3u);
  one_.source.answer = {.kind = Kind::kUnavailable};
  EXPECT_EQ(Get(About("anna")).kind, Kind::kUnavailable);
}

TEST_F(AnswerCacheTest, IsBoundedAndTheOldestGoFirst) {
  Use({.found_ttl = minutes(10)}, 160);
  for (int i = 0; i < 1000; ++i) (void)Get(About("user" + std::to_string(i)));
  const size_t before = asked();
  EXPECT_EQ(before, 1000u);
  int kept = 0;
  for (int i = 0; i < 1000; ++i) {
    const size_t so_far = asked();
    (void)Get(About("user" + std::to_string(999 - i)));
    kept += asked() == so_far;
    if (i < 20) EXPECT_EQ(asked(), so_far) << i;  // the youngest are there
  }
  EXPECT_LE(kept, 160);
}

}  // namespace
}  // namespace poplar::directory
