#include "proxy/upstream/offered_capabilities.h"

#include <gtest/gtest.h>

#include <string>
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

TEST(OfferedCapabilitiesTest, WhatOneNodeSaid) {
  OfferedCapabilities offered;
  EXPECT_EQ(offered.Of(NodeId{1}), nullptr);
  offered.Learn(NodeId{1}, Capabilities(kAll));
  const auto first = offered.Of(NodeId{1});
  ASSERT_NE(first, nullptr);
  EXPECT_TRUE(first->Has("PIPELINING"));
  EXPECT_EQ(offered.Of(NodeId{2}), nullptr);
  offered.Learn(NodeId{1}, pop3::WithoutCapa());
  EXPECT_TRUE(first->Has("PIPELINING"));
  EXPECT_FALSE(offered.Of(NodeId{1})->Has("PIPELINING"));
}

// The mechanisms' names, of those that clients can be offered.
std::string Offers(const OfferedCapabilities& offered) {
  std::string names;
  for (size_t i = 0; i < pop3::kMechanismCount; ++i) {
    const auto mechanism = static_cast<pop3::Mechanism>(i);
    if (!offered.common()->mechanisms.Has(mechanism)) continue;
    names += (names.empty() ? "" : " ") + std::string(Name(mechanism));
  }
  return names;
}

TEST(OfferedCapabilitiesTest, MechanismsThatEveryNodeCanBeToldOf) {
  OfferedCapabilities offered;
  EXPECT_EQ(Offers(offered), "PLAIN LOGIN EXTERNAL");
  EXPECT_FALSE(offered.common()->known);
  EXPECT_TRUE(offered.Learn(
      NodeId{1}, Capabilities("SASL XOAUTH2 SCRAM-SHA-256 SCRAM-SHA-1\r\n" + std::string(kAll))));
  EXPECT_TRUE(offered.common()->known);
  EXPECT_EQ(Offers(offered), "PLAIN LOGIN XOAUTH2 OAUTHBEARER EXTERNAL SCRAM-SHA-256 SCRAM-SHA-1");
  // The other of the two that carry a token does as well.
  EXPECT_TRUE(offered.Learn(
      NodeId{2}, Capabilities("SASL OAUTHBEARER SCRAM-SHA-256\r\n" + std::string(kAll))));
  EXPECT_EQ(Offers(offered), "PLAIN LOGIN XOAUTH2 OAUTHBEARER EXTERNAL SCRAM-SHA-256");
  EXPECT_TRUE(offered.Learn(NodeId{3}, pop3::WithoutCapa()));
  EXPECT_EQ(Offers(offered), "PLAIN LOGIN EXTERNAL");
  EXPECT_TRUE(offered.common()->capabilities.Has("TOP"));
  EXPECT_FALSE(offered.common()->capabilities.Has("SASL"));
}

TEST(OfferedCapabilitiesTest, ANodeThatIsGoneHoldsNothingBack) {
  OfferedCapabilities offered;
  offered.Learn(NodeId{1}, Capabilities(kAll));
  offered.Learn(NodeId{2}, pop3::WithoutCapa());
  EXPECT_FALSE(offered.common()->capabilities.Has("PIPELINING"));
  offered.Forget(NodeId{2});
  EXPECT_TRUE(offered.common()->capabilities.Has("PIPELINING"));
  EXPECT_EQ(offered.Of(NodeId{2}), nullptr);
  offered.Forget(NodeId{1});
  EXPECT_FALSE(offered.common()->known);
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
