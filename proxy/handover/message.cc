#include "proxy/handover/message.h"

#include <algorithm>

#include "balancer/canonical_user.h"

namespace poplar::handover {
namespace {

using balancer::AdminState;
using balancer::NodeState;

template <class Fact, class Read>
std::vector<Fact> FactsIn(const Frame& frame, Tag tag, Read read) {
  std::vector<Fact> facts;
  for (const Field& field : frame.fields) {
    if (field.tag != tag) continue;
    const auto fields = ParseFields(field.value);
    std::optional<Fact> fact = fields ? read(*fields) : std::nullopt;
    if (fact) facts.push_back(std::move(*fact));
  }
  return facts;
}

std::string Text(const std::vector<Field>& fields, Tag tag) {
  return std::string(TextIn(fields, tag));
}

balancer::Moment MomentIn(const std::vector<Field>& fields, Tag tag) {
  return balancer::Moment(static_cast<int64_t>(NumberIn(fields, tag)));
}

std::optional<NodeMemory> ReadNode(const std::vector<Field>& fields) {
  NodeMemory node{.cluster = Text(fields, Tag::kCluster), .node = Text(fields, Tag::kName)};
  const uint64_t said = NumberIn(fields, Tag::kAdminState);  // 0: nothing
  if (said > 1 + static_cast<uint64_t>(AdminState::kDown)) return std::nullopt;
  if (said > 0) node.said = static_cast<AdminState>(said - 1);
  const uint64_t state = NumberIn(fields, Tag::kState);
  if (state > static_cast<uint64_t>(NodeState::kEjected) || node.node.empty()) return std::nullopt;
  node.past = {.state = static_cast<NodeState>(state),
               .failing_since = MomentIn(fields, Tag::kFailingSince),
               .returned_at = std::nullopt,
               .ejections_in_row = static_cast<int64_t>(
                   std::min<uint64_t>(NumberIn(fields, Tag::kEjectionsInRow), 1'000'000)),
               .ejection_ends = MomentIn(fields, Tag::kEjectionEnds),
               .ejection_length = MomentIn(fields, Tag::kEjectionLength),
               .needs_login = NumberIn(fields, Tag::kNeedsLogin) != 0};
  if (NumberIn(fields, Tag::kReturnedAt) != 0)
    node.past.returned_at = MomentIn(fields, Tag::kReturnedAt);
  return node;
}

std::optional<MoveMemory> ReadMove(const std::vector<Field>& fields) {
  MoveMemory move{
      .name = Text(fields, Tag::kName),
      .permille = static_cast<uint32_t>(std::min<uint64_t>(NumberIn(fields, Tag::kPermille), 1000)),
      .highest = static_cast<uint32_t>(std::min<uint64_t>(NumberIn(fields, Tag::kHighest), 1000))};
  if (move.name.empty()) return std::nullopt;
  return move;
}

std::optional<HeldUser> ReadUser(const std::vector<Field>& fields) {
  HeldUser user{.cluster = Text(fields, Tag::kCluster),
                .user = Text(fields, Tag::kName),
                .node = Text(fields, Tag::kNode)};
  if (user.user.empty() || user.user.size() > balancer::kMaxUserBytes) return std::nullopt;
  return user;
}

std::optional<SlotCount> ReadSlots(const std::vector<Field>& fields) {
  return SlotCount{.cluster = Text(fields, Tag::kCluster),
                   .node = Text(fields, Tag::kName),
                   .count = static_cast<uint32_t>(
                       std::min<uint64_t>(NumberIn(fields, Tag::kCount), UINT32_MAX))};
}

}  // namespace

Fields FieldsOf(const SocketFacts& socket) {
  return Fields().Text(Tag::kPurpose, socket.purpose).Text(Tag::kName, socket.name);
}

Fields FieldsOf(const NodeMemory& node) {
  const balancer::NodeHealth::Past& past = node.past;
  Fields fields;
  fields.Text(Tag::kCluster, node.cluster)
      .Text(Tag::kName, node.node)
      .Number(Tag::kAdminState, node.said ? 1 + static_cast<uint64_t>(*node.said) : 0)
      .Number(Tag::kState, static_cast<uint64_t>(past.state))
      .Number(Tag::kFailingSince, static_cast<uint64_t>(past.failing_since.count()))
      .Number(Tag::kEjectionsInRow, static_cast<uint64_t>(past.ejections_in_row))
      .Number(Tag::kEjectionEnds, static_cast<uint64_t>(past.ejection_ends.count()))
      .Number(Tag::kEjectionLength, static_cast<uint64_t>(past.ejection_length.count()))
      .Number(Tag::kNeedsLogin, past.needs_login ? 1 : 0);
  if (past.returned_at)
    fields.Number(Tag::kReturnedAt, static_cast<uint64_t>(past.returned_at->count()));
  return fields;
}

Fields FieldsOf(const MoveMemory& move) {
  return Fields()
      .Text(Tag::kName, move.name)
      .Number(Tag::kPermille, move.permille)
      .Number(Tag::kHighest, move.highest);
}

Fields FieldsOf(const HeldUser& user) {
  return Fields()
      .Text(Tag::kCluster, user.cluster)
      .Text(Tag::kName, user.user)
      .Text(Tag::kNode, user.node);
}

Fields FieldsOf(const SlotCount& slots) {
  return Fields()
      .Text(Tag::kCluster, slots.cluster)
      .Text(Tag::kName, slots.node)
      .Number(Tag::kCount, slots.count);
}

std::vector<SocketFacts> SocketsIn(const Frame& frame) {
  return FactsIn<SocketFacts>(frame, Tag::kSocket, [](const std::vector<Field>& fields) {
    return std::optional(SocketFacts{Text(fields, Tag::kPurpose), Text(fields, Tag::kName)});
  });
}

std::vector<NodeMemory> NodesIn(const Frame& frame) {
  return FactsIn<NodeMemory>(frame, Tag::kNode, ReadNode);
}

std::vector<MoveMemory> MovesIn(const Frame& frame) {
  return FactsIn<MoveMemory>(frame, Tag::kMove, ReadMove);
}

std::vector<HeldUser> UsersIn(const Frame& frame) {
  return FactsIn<HeldUser>(frame, Tag::kUser, ReadUser);
}

std::vector<SlotCount> SlotsIn(const Frame& frame) {
  return FactsIn<SlotCount>(frame, Tag::kNode, ReadSlots);
}

}  // namespace poplar::handover
