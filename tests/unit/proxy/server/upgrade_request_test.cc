#include "proxy/server/upgrade_request.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace poplar::server {
namespace {

TEST(UpgradeRequest, IsAnsweredByWhoeverWasWoken) {
  std::atomic<bool> woken = false;
  UpgradeRequest request([&woken] { woken = true; });
  std::thread other([&] {
    while (!woken) std::this_thread::yield();
    request.Answer(metrics::UpgradeResult{.pid = 2, .previous = 1});
  });
  const auto result = request.Ask();
  other.join();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->pid, 2);
}

TEST(UpgradeRequest, OnceClosedNobodyIsWaitedFor) {
  std::atomic<int> woken = 0;
  UpgradeRequest request([&woken] { ++woken; });
  request.Close(metrics::UpgradeResult{.pid = 2, .previous = 1});
  EXPECT_EQ(request.Ask()->pid, 2);
  EXPECT_EQ(woken, 0);
  request.Reopen();
  std::thread other([&] {
    while (woken == 0) std::this_thread::yield();
    request.Answer(tl::unexpected(metrics::ApiFault{409, "no"}));
  });
  EXPECT_EQ(request.Ask().error().status, 409);
  other.join();
}

}  // namespace
}  // namespace poplar::server
