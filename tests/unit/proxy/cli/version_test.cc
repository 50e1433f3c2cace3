#include "proxy/cli/version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <iostream>
#include <set>
#include <sstream>
#include <string>

#include "proxy/io/uring_ring.h"
#include "tests/unit/proxy/io/forbidden_syscalls.h"

namespace poplar::cli {
namespace {

using testing::HasSubstr;

TEST(BuildFacts, NamesEachFactOnce) {
  std::set<std::string> names;
  for (const auto& [name, value] : BuildFacts()) {
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_FALSE(value.empty()) << name;
    EXPECT_THAT(value, testing::Not(HasSubstr("\n")));
  }
  EXPECT_EQ(names, (std::set<std::string>{"version", "compiler", "boringssl", "liburing"}));
}

TEST(PrintVersion, TellsWhatIsBuiltInAndWhatTheKernelGrants) {
  std::ostringstream out;
  PrintVersion(out);
  EXPECT_THAT(out.str(),
              testing::MatchesRegex(
                  "poplar [0-9.]+\n  compiler: [^\n]+\n  boringssl: [^\n]+\n  liburing: "
                  "[0-9.]+\n  kernel: Linux [^\n]+\n  io_uring: [^\n]+\n  epoll: available\n"));
  const auto ring = io::CreateRing(8);
  EXPECT_THAT(out.str(), HasSubstr(ring ? ring->features.Text() : ring.error().text));
}

[[noreturn]] void PrintWhereIoUringIsRefused() {
  io::ForbidSyscalls({__NR_io_uring_setup}, EPERM);
  PrintVersion(std::cerr);
  std::_Exit(0);
}

TEST(PrintVersion, TellsWhyThereIsNoIoUring) {
  EXPECT_EXIT(
      PrintWhereIoUringIsRefused(), testing::ExitedWithCode(0),
      "io_uring: io_uring is not available here \\(EPERM.*seccomp profile.*\n  epoll: available, "
      "and taken instead\n");
}

}  // namespace
}  // namespace poplar::cli
