#include "bench/load/process_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <memory>

namespace poplar::bench {
namespace {

TEST(ProcessMemory, SeesWhatThisProcessTakes) {
  const pid_t self[] = {getpid()};
  const auto before = ReadMemory(self);
  ASSERT_TRUE(before);
  EXPECT_GT(before->proportional, 0u);
  EXPECT_GE(before->resident, before->proportional);
  constexpr size_t kBytes = size_t{32} << 20;
  const std::unique_ptr<char[]> memory(new char[kBytes]);
  std::memset(memory.get(), 1, kBytes);
  const auto after = ReadMemory(self);
  ASSERT_TRUE(after);
  EXPECT_GE(after->proportional, before->proportional + kBytes);
  EXPECT_LE(after->proportional, before->proportional + kBytes + (size_t{4} << 20));
}

TEST(ProcessMemory, SumsAndNoticesWhoIsGone) {
  const pid_t twice[] = {getpid(), getpid()};
  const pid_t once[] = {getpid()};
  EXPECT_GT(ReadMemory(twice)->resident, ReadMemory(once)->resident * 3 / 2);
  const pid_t gone[] = {getpid(), -1};
  EXPECT_FALSE(ReadMemory(gone));
}

}  // namespace
}  // namespace poplar::bench
