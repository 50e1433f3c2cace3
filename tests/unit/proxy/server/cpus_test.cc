#include "proxy/server/cpus.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>

namespace poplar::server {
namespace {

TEST(CpusOfQuota, RoundsUpToWholeCpus) {
  EXPECT_EQ(CpusOfQuota("100000 100000"), 1);
  EXPECT_EQ(CpusOfQuota("150000 100000"), 2);
  EXPECT_EQ(CpusOfQuota("200000 100000\n"), 2);
  EXPECT_EQ(CpusOfQuota("200001 100000"), 3);
  EXPECT_EQ(CpusOfQuota("1000 100000"), 1);
  EXPECT_EQ(CpusOfQuota("6400000 100000"), 64);
}

TEST(CpusOfQuota, TakesEverythingElseForNoLimit) {
  for (const char* text : {"max 100000", "", "max", "100000", "-1 100000", "0 100000", "100000 0",
                           "100000 -5", "abc def", "99999999999999999999 100000"}) {
    EXPECT_EQ(CpusOfQuota(text), std::nullopt) << text;
  }
}

class CpusOfGroupTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_ + "/kube.slice/pod/container");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& group, const std::string& text) {
    std::ofstream(root_ + group + "/cpu.max") << text << "\n";
  }

  const std::string root_ = testing::TempDir() + "cpus_test_cgroup";
};

TEST_F(CpusOfGroupTest, FindsNoQuotaWhereThereIsNone) {
  EXPECT_EQ(CpusOfGroup(root_, "/kube.slice/pod/container"), std::nullopt);
  Write("/kube.slice/pod/container", "max 100000");
  EXPECT_EQ(CpusOfGroup(root_, "/kube.slice/pod/container"), std::nullopt);
  EXPECT_EQ(CpusOfGroup(root_ + "/nowhere", "/"), std::nullopt);
  EXPECT_EQ(CpusOfGroup(root_, "/../../elsewhere"), std::nullopt);
}

TEST_F(CpusOfGroupTest, TakesTheSmallestOfAllLevels) {
  Write("/kube.slice/pod/container", "400000 100000");
  EXPECT_EQ(CpusOfGroup(root_, "/kube.slice/pod/container"), 4);
  Write("/kube.slice", "200000 100000");  // binds whoever is inside
  EXPECT_EQ(CpusOfGroup(root_, "/kube.slice/pod/container"), 2);
  EXPECT_EQ(CpusOfGroup(root_, "/kube.slice/pod"), 2);
  // In a container with a cgroup namespace of its own.
  Write("", "100000 100000");
  EXPECT_EQ(CpusOfGroup(root_, "/"), 1);
  EXPECT_EQ(CpusOfGroup(root_, ""), 1);
}

TEST(UsableCpus, StaysWithinTheAffinityMask) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_GE(UsableCpus(), 1);
  EXPECT_LE(UsableCpus(), CPU_COUNT(&before));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &before)) continue;
    CPU_SET(cpu, &one);
    break;
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(UsableCpus(), 1);
  sched_setaffinity(0, sizeof(before), &before);
}

}  // namespace
}  // namespace poplar::server
