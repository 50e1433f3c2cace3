#include "proxy/cli/config_command.h"

#include <gtest/gtest.h>

#include <sstream>

#include "proxy/config/print.h"
#include "proxy/config/read.h"

namespace poplar::cli {
namespace {

TEST(RunConfig, PrintsTheReference) {
  std::ostringstream out;
  EXPECT_EQ(RunConfig(out), 0);
  const config::ReadResult read = config::Read({"poplar.yaml", out.str()});
  EXPECT_TRUE(read.problems.empty());
  EXPECT_EQ(read.config, config::ExampleConfig());
}

TEST(RunConfig, FailsWhenTheTextCannotBeWritten) {
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  EXPECT_EQ(RunConfig(out), 1);
}

}  // namespace
}  // namespace poplar::cli
