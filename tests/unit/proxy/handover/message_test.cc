#include "proxy/handover/message.h"

#include <gtest/gtest.h>

#include <string>

#include "balancer/canonical_user.h"

namespace poplar::handover {
namespace {

Frame Of(const std::string& bytes) { return *ParseFrame(bytes); }

TEST(Message, NodesComeAsTheyWent) {
  NodeMemory node{.cluster = "main", .node = "n\xff", .said = balancer::AdminState::kDrain};
  node.past = {.state = balancer::NodeState::kEjected,
               .failing_since = balancer::Moment(-5),
               .returned_at = balancer::Moment(7),
               .ejections_in_row = 3,
               .ejection_ends = balancer::Moment(11),
               .ejection_length = balancer::Duration(13),
               .needs_login = true};
  const std::string bytes =
      FrameOf(FrameKind::kNodes,
              Fields()
                  .Nested(Tag::kNode, FieldsOf(node))
                  .Nested(Tag::kNode, FieldsOf(NodeMemory{.cluster = "main", .node = "other"})));
  const auto nodes = NodesIn(Of(bytes));
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[0].cluster, "main");
  EXPECT_EQ(nodes[0].node, "n\xff");
  EXPECT_EQ(nodes[0].said, balancer::AdminState::kDrain);
  EXPECT_EQ(nodes[0].past, node.past);
  EXPECT_EQ(nodes[1].said, std::nullopt);
  EXPECT_EQ(nodes[1].past, balancer::NodeHealth::Past{});
}

TEST(Message, WhatMakesNoSenseIsLeftOut) {
  const std::string long_name(balancer::kMaxUserBytes + 1, 'x');
  const std::string bytes =
      FrameOf(FrameKind::kNodes,
              Fields()
                  .Nested(Tag::kNode, Fields().Text(Tag::kName, "n").Number(Tag::kState, 17))
                  .Nested(Tag::kNode, Fields().Text(Tag::kName, "n").Number(Tag::kAdminState, 17))
                  .Nested(Tag::kNode, Fields())
                  .Text(Tag::kNode, "no fields")
                  .Nested(Tag::kUser, FieldsOf(HeldUser{"main", long_name, "n"}))
                  .Nested(Tag::kUser, FieldsOf(HeldUser{"main", "", "n"}))
                  .Nested(Tag::kUser, FieldsOf(HeldUser{"main", "alice", "n"}))
                  .Nested(Tag::kMove, Fields().Text(Tag::kName, "m").Number(Tag::kPermille, 5000)));
  EXPECT_TRUE(NodesIn(Of(bytes)).empty());
  const auto users = UsersIn(Of(bytes));
  ASSERT_EQ(users.size(), 1u);
  EXPECT_EQ(users[0].user, "alice");
  const auto moves = MovesIn(Of(bytes));
  ASSERT_EQ(moves.size(), 1u);
  EXPECT_EQ(moves[0].permille, 1000u);
}

TEST(Message, TheRestComesAsItWent) {
  const std::string bytes =
      FrameOf(FrameKind::kMoves,
              Fields()
                  .Nested(Tag::kMove, FieldsOf(MoveMemory{"m", 250, 500}))
                  .Nested(Tag::kSocket, FieldsOf(SocketFacts{std::string(kPop3), "pop3s"}))
                  .Nested(Tag::kNode, FieldsOf(SlotCount{"main", "n1", 42})));
  const auto moves = MovesIn(Of(bytes));
  ASSERT_EQ(moves.size(), 1u);
  EXPECT_EQ(moves[0].name, "m");
  EXPECT_EQ(moves[0].permille, 250u);
  EXPECT_EQ(moves[0].highest, 500u);
  const auto sockets = SocketsIn(Of(bytes));
  ASSERT_EQ(sockets.size(), 1u);
  EXPECT_EQ(sockets[0].purpose, kPop3);
  EXPECT_EQ(sockets[0].name, "pop3s");
  const auto slots = SlotsIn(Of(bytes));
  ASSERT_EQ(slots.size(), 1u);
  EXPECT_EQ(slots[0].count, 42u);
}

}  // namespace
}  // namespace poplar::handover
