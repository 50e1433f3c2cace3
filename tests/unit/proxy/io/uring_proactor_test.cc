#include "proxy/io/uring_proactor.h"

#include <gtest/gtest.h>

#include "proxy/io/system_clock.h"
#include "tests/unit/proxy/io/few_descriptors.h"

// What both real worlds do is judged by proactor_test.cc and its neighbours.

namespace poplar::io {
namespace {

TEST(UringProactorCreate, ReportsEveryLackOfDescriptors) {
  const SystemClock clock;
  SystemRandom random;
  if (auto created = UringProactor::Create(clock, random, {}); !created) {
    GTEST_SKIP() << created.error().text;
  }
  // None for the ring; one for the ring, none for the eventfd.
  for (const int left : {0, 1}) {
    const FewDescriptors few(left);
    const auto created = UringProactor::Create(clock, random, {});
    ASSERT_FALSE(created) << left;
    EXPECT_EQ(created.error().code, EMFILE);
  }
}

}  // namespace
}  // namespace poplar::io
