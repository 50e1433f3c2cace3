#include "proxy/io/network.h"

#include <gtest/gtest.h>

#include <string>

namespace poplar::io {
namespace {

Address At(std::string_view host) { return *Address::Parse(host, 995); }
Network Of(std::string_view text) { return *Network::Parse(text); }

struct Case {
  std::string_view network;
  std::string_view inside;
  std::string_view outside;
};

TEST(NetworkTest, ContainsWhatSharesItsFirstBits) {
  for (const Case& one : {Case{"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
                          {"192.0.2.0/23", "192.0.3.255", "192.0.4.0"},
                          {"192.0.2.7", "192.0.2.7", "192.0.2.6"},
                          {"192.0.2.7/32", "192.0.2.7", "192.0.2.8"},
                          {"10.0.0.0/8", "10.255.0.1", "11.0.0.1"},
                          {"128.0.0.0/1", "255.0.0.1", "127.0.0.1"},
                          {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"},
                          {"2001:db8::8/125", "2001:db8::f", "2001:db8::10"},
                          {"::1", "::1", "::2"},
                          {"0.0.0.0/0", "203.0.113.9", "2001:db8::1"},
                          {"::ffff:0:0/96", "203.0.113.9", "2001:db8::1"}}) {
    EXPECT_TRUE(Of(one.network).Contains(At(one.inside))) << one.network;
    EXPECT_FALSE(Of(one.network).Contains(At(one.outside))) << one.network;
  }
  EXPECT_TRUE(Of("::/0").Contains(At("192.0.2.1")));
}

TEST(NetworkTest, AnIpv4ClientOfASocketForBothFamiliesIsTheSame) {
  EXPECT_TRUE(Of("192.0.2.0/24").Contains(At("::ffff:192.0.2.1")));
  EXPECT_EQ(Of("192.0.2.0/24"), Of("::ffff:192.0.2.0/120"));
}

TEST(NetworkTest, WhatIsNoneIsRefused) {
  for (const auto bad :
       {"", "/24", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/+8", "192.0.2.0/8x",
        "192.0.2.0/ 24", "192.0.2.1/24", "192.0.2", "2001:db8::/129", "2001:db8::1/64",
        "[2001:db8::]/32", "example.org/24", "192.0.2.0/24/24"}) {
    EXPECT_FALSE(Network::Parse(bad)) << bad;
  }
}

TEST(NetworkTest, OfAnAddressesFirstBits) {
  EXPECT_EQ(Network::Of(At("2001:db8:1:2:3::4"), 64), Of("2001:db8:1:2::/64"));
  EXPECT_EQ(Network::Of(At("192.0.2.77"), 24), Of("192.0.2.0/24"));
}

TEST(NetworkSetTest, ContainsWhatAnyOfThemContains) {
  NetworkSet set;
  EXPECT_TRUE(set.empty());
  EXPECT_FALSE(set.Contains(At("192.0.2.1")));
  for (int i = 0; i < 256; ++i) set.Add(Of("10." + std::to_string(i) + ".0.0/16"));
  set.Add(Of("2001:db8::/32"));
  set.Add(Of("192.0.2.1"));
  EXPECT_FALSE(set.empty());
  for (const auto inside :
       {"10.0.0.1", "10.255.9.9", "2001:db8::1", "192.0.2.1", "::ffff:10.3.0.0"})
    EXPECT_TRUE(set.Contains(At(inside))) << inside;
  for (const auto outside : {"11.0.0.1", "192.0.2.2", "2001:db9::1", "::"})
    EXPECT_FALSE(set.Contains(At(outside))) << outside;
}

}  // namespace
}  // namespace poplar::io
