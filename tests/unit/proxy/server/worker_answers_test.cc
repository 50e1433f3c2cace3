#include "proxy/server/worker_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace poplar::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::UnorderedElementsAre;

TEST(WorkerAnswersTest, WaitsForAll) {
  const auto answers = std::make_shared<WorkerAnswers<std::string>>(3);
  std::vector<std::thread> workers;
  for (const char* name : {"a", "b", "c"})
    workers.emplace_back([answers, name] { answers->Give(name); });
  const auto given = answers->Wait(minutes(1));
  for (std::thread& worker : workers) worker.join();
  EXPECT_THAT(given.answers, UnorderedElementsAre("a", "b", "c"));
  EXPECT_EQ(given.silent, 0u);
}

TEST(WorkerAnswersTest, NotForEver) {
  auto answers = std::make_shared<WorkerAnswers<int>>(2);
  answers->Give(1);
  const auto given = answers->Wait(milliseconds(1));
  EXPECT_THAT(given.answers, UnorderedElementsAre(1));
  EXPECT_EQ(given.silent, 1u);
}

// Nobody waits any more; what it writes into is there all the same.
TEST(WorkerAnswersTest, WhatComesTooLateIsForgotten) {
  auto answers = std::make_shared<WorkerAnswers<std::string>>(1);
  std::thread late;
  {
    const auto asked = answers;
    EXPECT_EQ(asked->Wait(milliseconds(1)).silent, 1u);
    late = std::thread([kept = std::move(answers)] { kept->Give(std::string(100, 'x')); });
  }
  late.join();
}

TEST(WorkerAnswersTest, OfNobodyThereIsNothingToWaitFor) {
  WorkerAnswers<int> answers(0);
  EXPECT_EQ(answers.Wait(minutes(1)).silent, 0u);
}

}  // namespace
}  // namespace poplar::server
