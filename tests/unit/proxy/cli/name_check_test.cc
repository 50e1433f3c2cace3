#include "proxy/cli/name_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/unit/proxy/io/name_server.h"

namespace poplar::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

TEST(NameCheck, SaysWhatANameServerSays) {
  const io::NameServer server({{"auth.test", {"192.0.2.1"}}});
  NameCheck names;
  EXPECT_EQ(names.WhyUnknown("auth.test", {server.address()}), "");
  EXPECT_THAT(names.WhyUnknown("other.test", {server.address()}),
              AllOf(StartsWith("other.test (A, AAAA): "), HasSubstr(server.address())));
  EXPECT_EQ(names.WhyUnknown("localhost", {}), "");
  EXPECT_NE(names.WhyUnknown("auth.test", {"ns.test"}), "") << "no name server";
}

TEST(NameCheck, DoesNotWaitLong) {
  const io::ScriptedNameServer silent([](const std::string& /*question*/) { return ""; });
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_NE(NameCheck().WhyUnknown("auth.test", {silent.address()}), "");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
}

}  // namespace
}  // namespace poplar::cli
