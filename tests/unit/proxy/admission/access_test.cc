#include "proxy/admission/access.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/admission/addresses.h"

namespace poplar::admission {
namespace {

TEST(AccessList, AdmitsAllWhereItSaysNothing) {
  EXPECT_TRUE(AccessList().Admits(At("192.0.2.1")));
  EXPECT_TRUE(AccessList().Admits(At("2001:db8::1")));
}

TEST(AccessList, AdmitsOnlyWhatItAllows) {
  AccessList list;
  list.allow = Networks({"192.0.2.0/24", "2001:db8::/32"});
  EXPECT_TRUE(list.Admits(At("192.0.2.255")));
  EXPECT_TRUE(list.Admits(At("::ffff:192.0.2.1")));
  EXPECT_TRUE(list.Admits(At("2001:db8:1::1")));
  EXPECT_FALSE(list.Admits(At("192.0.3.0")));
  EXPECT_FALSE(list.Admits(At("2001:db9::1")));
}

TEST(AccessList, DenialCountsForMore) {
  AccessList list;
  list.deny = Networks({"192.0.2.7"});
  EXPECT_FALSE(list.Admits(At("192.0.2.7")));
  EXPECT_FALSE(list.Admits(At("::ffff:192.0.2.7")));
  EXPECT_TRUE(list.Admits(At("192.0.2.8")));
  list.allow = Networks({"192.0.2.0/24"});
  EXPECT_FALSE(list.Admits(At("192.0.2.7")));
  EXPECT_TRUE(list.Admits(At("192.0.2.8")));
  EXPECT_FALSE(list.Admits(At("192.0.3.8")));
}

}  // namespace
}  // namespace poplar::admission
