#include "proxy/upstream/offered_capabilities.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace poplar::upstream {
namespace {

using balancer::NodeId;
using pop3::Capabilities;

constexpr std::string_view kAll =
    "+OK\r\nTOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n.\r\n";

TEST(OfferedCapabilitiesTest, TheUsualUntilANodeHasAnswered) {
  const OfferedCapabilities offered;
  EXPECT_FALSE(offered.common()->known);
  EXPECT_TRUE(offered.common()->pipelining);
}

TEST(OfferedCapabilitiesTest, OnlyWhatAllNodesCanDo) {
  OfferedCapabilities offered;
  EXPECT_TRUE(offered.Learn(NodeId{1}, Capabilities(kAll)));
  EXPECT_TRUE(offered.common()->known);
  EXPECT_TRUE(offered.common()->pipelining);
  EXPECT_TRUE(offered.Learn(NodeId{2}, Capabilities("+OK\r\nTOP\r\nUIDL\r\nEXPIRE 3\r\n.\r\n")));
  EXPECT_EQ(offered.common()->capabilities, Capabilities("TOP\r\nUIDL\r\n"));
  EXPECT_FALSE(offered.common()->pipelining);
  EXPECT_FALSE(offered.Learn(NodeId{3}, pop3::WithoutCapa()));
  EXPECT_TRUE(offered.Learn(NodeId{4}, Capabilities("+OK\r\nUIDL\r\nPIPELINING\r\n.\r\n")));
  EXPECT_EQ(offered.common()->capabilities, Capabilities("UIDL\r\n"));
}

TEST(OfferedCapabilitiesTest, ANodesLastAnswerCounts) {
  OfferedCapabilities offered;
  offered.Learn(NodeId{1}, Capabilities(kAll));
  const auto all = offered.common();
  EXPECT_TRUE(offered.Learn(NodeId{2}, pop3::WithoutCapa()));
  EXPECT_FALSE(offered.Learn(NodeId{2}, pop3::WithoutCapa()));
  EXPECT_TRUE(offered.Learn(NodeId{2}, Capabilities(kAll)));
  EXPECT_EQ(offered.common()->capabilities, all->capabilities);
}

TEST(OfferedCapabilitiesTest, WhatWasReadStaysWhenItIsReplaced) {
  OfferedCapabilities offered;
  const auto before = offered.common();
  offered.Learn(NodeId{1}, Capabilities());
  EXPECT_FALSE(before->known);
  EXPECT_TRUE(offered.common()->known);
}

TEST(OfferedCapabilitiesTest, FromAnyThread) {
  OfferedCapabilities offered;
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < 4; ++i) {
    threads.emplace_back([&offered, i] {
      for (int round = 0; round < 500; ++round) {
        offered.Learn(NodeId{i}, round % 2 == 0 ? Capabilities(kAll) : pop3::WithoutCapa());
        EXPECT_TRUE(offered.common()->capabilities.Has("UIDL"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(offered.common()->capabilities, pop3::WithoutCapa());
}

}  // namespace
}  // namespace poplar::upstream
