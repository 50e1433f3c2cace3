#include "bench/load/process_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace poplar::bench {
namespace {

TEST(ProcessMemory, SeesWhatThisProcessTakes) {
  const pid_t self[] = {getpid()};
  const auto before = ReadMemory(self);
  ASSERT_TRUE(before);
  EXPECT_GT(before->proportional, 0u);
  EXPECT_GE(before->resident, before->proportional);
  constexpr size_t kBytes = size_t{32} << 20;
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const auto after = ReadMemory(self);
  munmap(memory, kBytes);
  ASSERT_TRUE(after);
  EXPECT_GE(after->anonymous, before->anonymous + kBytes);
  EXPECT_LE(after->anonymous, before->anonymous + kBytes + (size_t{1} << 20));
  // Less exact: what is shared counts for less when another process comes to share it.
  EXPECT_GE(after->proportional, before->proportional + kBytes - (size_t{4} << 20));
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
