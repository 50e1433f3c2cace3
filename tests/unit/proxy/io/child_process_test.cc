#include "proxy/io/child_process.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <thread>

#include "proxy/io/process_channel.h"

namespace poplar::io {
namespace {

ChildProcess::Program Shell(const std::string& script) {
  return {"/bin/sh", {"sh", "-c", script}, {"WORD=hello", "PATH=/usr/bin:/bin"}};
}

std::string AwaitEnd(ChildProcess& child) {
  for (;;) {
    if (const auto end = child.Ended()) return *end;
    std::this_thread::yield();
  }
}

TEST(ChildProcess, HasItsEnvironmentAndWhatIsPassed) {
  auto ends = *ProcessChannel::Open();
  auto child = ChildProcess::Start(
      Shell("[ $WORD = hello ] && [ -e /proc/self/fd/3 ] && [ ! -e /proc/self/fd/4 ] && exit 7"),
      ends.second.descriptor());
  ASSERT_TRUE(child);
  EXPECT_GT(child->pid(), 0);
  EXPECT_EQ(AwaitEnd(*child), "ended with status 7");
  EXPECT_EQ(AwaitEnd(*child), "ended with status 7") << "however often it is asked";
}

TEST(ChildProcess, CanBeEnded) {
  auto ends = *ProcessChannel::Open();
  auto child = ChildProcess::Start(Shell("read line <&3"), ends.second.descriptor());
  ASSERT_TRUE(child);
  EXPECT_EQ(child->Ended(), std::nullopt);
  child->Kill();
  EXPECT_EQ(AwaitEnd(*child), "was ended by signal 9");
  child->Kill();  // nobody else may have its number
}

TEST(ChildProcess, SaysWhyAProgramCanNotBeRun) {
  auto ends = *ProcessChannel::Open();
  const auto missing =
      ChildProcess::Start({"/nonexistent/poplar", {"poplar"}, {}}, ends.second.descriptor());
  EXPECT_TRUE(!missing && missing.error().code == ENOENT);
  const auto no_program = ChildProcess::Start({"/etc/passwd", {"x"}, {}}, ends.second.descriptor());
  EXPECT_TRUE(!no_program && no_program.error().code == EACCES);
}

}  // namespace
}  // namespace poplar::io
