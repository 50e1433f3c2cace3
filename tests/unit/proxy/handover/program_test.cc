#include "proxy/handover/program.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "proxy/handover/predecessor.h"

namespace poplar::handover {
namespace {

TEST(Program, IsThisOne) {
  const Program program = Program::OfThisProcess();
  EXPECT_TRUE(std::filesystem::equivalent(program.path(), "/proc/self/exe")) << program.path();
}

TEST(Predecessor, IsThereOnlyForWhoeverWasToldSo) {
  unsetenv(Predecessor::kVariable);
  EXPECT_EQ(Predecessor::FromEnvironment(), nullptr);
  for (const char* number : {"", "-1", "x", "1000000"}) {
    setenv(Predecessor::kVariable, number, 1);
    EXPECT_EQ(Predecessor::FromEnvironment(), nullptr) << number;
    EXPECT_EQ(std::getenv(Predecessor::kVariable), nullptr);
  }
  auto ends = *io::ProcessChannel::Open();
  setenv(Predecessor::kVariable, std::to_string(dup(ends.second.descriptor())).c_str(), 1);
  EXPECT_NE(Predecessor::FromEnvironment(), nullptr);
}

}  // namespace
}  // namespace poplar::handover
