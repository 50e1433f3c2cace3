#include "proxy/admission/address_group.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/admission/addresses.h"

namespace poplar::admission {
namespace {

TEST(GroupOf, TakesIpv4WholeAndIpv6ByItsNetwork) {
  EXPECT_NE(GroupOf(At("192.0.2.1"), {}), GroupOf(At("192.0.2.2"), {}));
  EXPECT_EQ(GroupOf(At("2001:db8::1"), {}), GroupOf(At("2001:db8::ffff:0:0:2"), {}));
  EXPECT_NE(GroupOf(At("2001:db8::1"), {}), GroupOf(At("2001:db8:0:1::1"), {}));
}

TEST(GroupOf, GoesByTheBitsAskedFor) {
  const PrefixBits bits{.ipv4 = 23, .ipv6 = 47};
  EXPECT_EQ(GroupOf(At("192.0.2.1"), bits), GroupOf(At("192.0.3.255"), bits));
  EXPECT_NE(GroupOf(At("192.0.2.1"), bits), GroupOf(At("192.0.4.1"), bits));
  EXPECT_EQ(GroupOf(At("2001:db8:2::"), bits), GroupOf(At("2001:db8:3:ffff::1"), bits));
  EXPECT_NE(GroupOf(At("2001:db8:2::"), bits), GroupOf(At("2001:db8:4::"), bits));
  const PrefixBits whole{.ipv4 = 32, .ipv6 = 128};
  EXPECT_NE(GroupOf(At("2001:db8::1"), whole), GroupOf(At("2001:db8::2"), whole));
}

// Else all of IPv4 would be one network, ::/64, on a listener for [::].
TEST(GroupOf, KnowsIpv4InItsIpv6Form) {
  EXPECT_EQ(GroupOf(At("::ffff:192.0.2.1"), {}), GroupOf(At("192.0.2.1"), {}));
  EXPECT_NE(GroupOf(At("::ffff:192.0.2.1"), {}), GroupOf(At("::ffff:192.0.2.2"), {}));
}

TEST(TagOf, DiffersByKeyGroupAndUser) {
  const AddressGroup one = GroupOf(At("192.0.2.1"), {});
  const AddressGroup two = GroupOf(At("192.0.2.2"), {});
  EXPECT_EQ(TagOf(1, one, "anna"), TagOf(1, one, "anna"));
  EXPECT_NE(TagOf(1, one, "anna"), TagOf(2, one, "anna"));
  EXPECT_NE(TagOf(1, one, "anna"), TagOf(1, two, "anna"));
  EXPECT_NE(TagOf(1, one, "anna"), TagOf(1, one, "bob"));
  EXPECT_NE(TagOf(1, one, "anna"), TagOf(1, one));
}

}  // namespace
}  // namespace poplar::admission
