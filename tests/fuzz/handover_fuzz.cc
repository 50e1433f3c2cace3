#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "balancer/canonical_user.h"
#include "proxy/handover/message.h"

// What another version of Poplar may say at an upgrade: anything. Whatever makes sense of it is
// within bounds, and says the same when it is said again.
namespace {

using namespace poplar::handover;

void Require(bool holds) {
  if (!holds) std::abort();
}

template <class Fact>
std::string Again(FrameKind kind, Tag tag, const Fact& fact) {
  return FrameOf(kind, Fields().Nested(tag, FieldsOf(fact)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto frame = ParseFrame(bytes);
  if (!frame) return 0;
  for (const HeldUser& user : UsersIn(*frame)) {
    Require(!user.user.empty() && user.user.size() <= poplar::balancer::kMaxUserBytes);
    const std::string again = Again(FrameKind::kUsers, Tag::kUser, user);
    const auto read = UsersIn(*ParseFrame(again));
    Require(read.size() == 1 && read[0].user == user.user && read[0].node == user.node);
  }
  for (const NodeMemory& node : NodesIn(*frame)) {
    const std::string again = Again(FrameKind::kNodes, Tag::kNode, node);
    const auto read = NodesIn(*ParseFrame(again));
    Require(read.size() == 1 && read[0].said == node.said && read[0].past == node.past);
  }
  for (const MoveMemory& move : MovesIn(*frame))
    Require(move.permille <= 1000 && move.highest <= 1000);
  for (const SlotCount& slots : SlotsIn(*frame)) (void)FieldsOf(slots);
  for (const SocketFacts& socket : SocketsIn(*frame)) (void)FieldsOf(socket);
  (void)NumberIn(frame->fields, Tag::kNumber);
  (void)TextIn(frame->fields, Tag::kText);
  return 0;
}
