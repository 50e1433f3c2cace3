#include "proxy/io/posted_functions.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "tests/unit/proxy/io/few_descriptors.h"

namespace poplar::io {
namespace {

uint64_t WakeUps(const PostedFunctions& posted) {
  pollfd waiting{.fd = posted.descriptor(), .events = POLLIN, .revents = 0};
  uint64_t count = 0;
  if (poll(&waiting, 1, 0) == 1) EXPECT_EQ(read(posted.descriptor(), &count, sizeof(count)), 8);
  return count;
}

TEST(PostedFunctions, RunInTheOrderInWhichTheyCame) {
  PostedFunctions posted;
  ASSERT_EQ(posted.Open(), 0);
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) posted.Post([&order, i] { order.push_back(i); });
  EXPECT_TRUE(order.empty());
  posted.RunAll();
  posted.RunAll();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(PostedFunctions, WakeTheLoopOncePerLook) {
  PostedFunctions posted;
  ASSERT_EQ(posted.Open(), 0);
  EXPECT_EQ(WakeUps(posted), 0u);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 5; ++i) posted.Post([] {});
    EXPECT_EQ(WakeUps(posted), 1u);
    posted.RunAll();
  }
}

TEST(PostedFunctions, WhatOneOfThemPostsWaitsAndWakes) {
  PostedFunctions posted;
  ASSERT_EQ(posted.Open(), 0);
  int ran = 0;
  posted.Post([&] { posted.Post([&] { ++ran; }); });
  EXPECT_EQ(WakeUps(posted), 1u);
  posted.RunAll();
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(WakeUps(posted), 1u);
  posted.RunAll();
  EXPECT_EQ(ran, 1);
}

TEST(PostedFunctions, NoneIsLostBetweenThreads) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 5000;
  PostedFunctions posted;
  ASSERT_EQ(posted.Open(), 0);
  int ran = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kPosts; ++j) posted.Post([&ran] { ++ran; });
    });
  }
  uint64_t wake_ups = 0;
  while (ran < kThreads * kPosts) {
    uint64_t count = 0;
    ASSERT_EQ(read(posted.descriptor(), &count, sizeof(count)), 8);  // hangs if one is lost
    wake_ups += count;
    posted.RunAll();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(wake_ups, static_cast<uint64_t>(kThreads * kPosts));
}

TEST(PostedFunctions, SayThatNoDescriptorIsLeft) {
  PostedFunctions posted;
  const FewDescriptors none(0);
  EXPECT_EQ(posted.Open(), EMFILE);
}

}  // namespace
}  // namespace poplar::io
