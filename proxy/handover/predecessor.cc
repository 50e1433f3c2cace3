#include "proxy/handover/predecessor.h"

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <utility>

#include "proxy/handover/ticket_file.h"

namespace poplar::handover {
namespace {

// It has all of it at hand.
constexpr io::Duration kSendPatience = std::chrono::seconds(10);
// It first waits until this process is ready, and has nothing else to do then.
constexpr io::Duration kTakeOverPatience = std::chrono::seconds(10);
constexpr io::Duration kListenPatience = std::chrono::hours(1);
// Why a process can't take over is for a log.
constexpr size_t kReasonBytesMax = 8192;

void Append(std::vector<HeldUser>& all, std::vector<HeldUser> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

std::unique_ptr<Predecessor> Predecessor::FromEnvironment() {
  const char* const text = std::getenv(kVariable);
  if (text == nullptr) return nullptr;
  int number = -1;
  std::from_chars(text, text + std::strlen(text), number);
  unsetenv(kVariable);  // no child's business
  io::Descriptor end(number);
  if (!io::CloseOnExec(end.get())) return nullptr;
  return std::make_unique<Predecessor>(io::ProcessChannel(std::move(end)));
}

Predecessor::~Predecessor() {
  channel_.Shutdown();
  if (thread_.joinable()) thread_.join();
}

tl::expected<io::ProcessChannel::Message, std::string> Predecessor::Next(io::Duration patience) {
  auto message = channel_.Receive(patience);
  if (message) return std::move(*message);
  return tl::unexpected("the old process: " + message.error().Text());
}

tl::expected<Inheritance, std::string> Predecessor::Receive() {
  Inheritance inheritance;
  for (;;) {
    auto message = Next(kSendPatience);
    if (!message) return tl::unexpected(message.error());
    const auto frame = ParseFrame(message->bytes);
    if (!frame) return tl::unexpected(std::string("the old process speaks another language"));
    if (frame->kind == FrameKind::kPrepare) return inheritance;
    if (frame->kind == FrameKind::kSockets) {
      std::vector<SocketFacts> facts = SocketsIn(*frame);
      for (size_t i = 0; i < facts.size() && i < message->descriptors.size(); ++i)
        inheritance.sockets.Add(std::move(facts[i]), std::move(message->descriptors[i]));
    }
    if (frame->kind == FrameKind::kTicketKeys && !message->descriptors.empty())
      inheritance.ticket_keys = ReadTicketFile(message->descriptors.front());
  }
}

tl::expected<Memories, std::string> Predecessor::TakeOver() {
  if (!channel_.Send(FrameOf(FrameKind::kPrepared), kSendPatience))
    return tl::unexpected(std::string("the old process doesn't listen"));
  Memories memories;
  for (;;) {
    auto message = Next(kTakeOverPatience);
    if (!message) return tl::unexpected(message.error());
    const auto frame = ParseFrame(message->bytes);
    if (!frame) return tl::unexpected(std::string("the old process speaks another language"));
    if (frame->kind == FrameKind::kServe) return memories;
    if (frame->kind == FrameKind::kNodes) {
      for (NodeMemory& node : NodesIn(*frame)) memories.nodes.push_back(std::move(node));
    }
    if (frame->kind == FrameKind::kMoves) {
      for (MoveMemory& move : MovesIn(*frame)) memories.moves.push_back(std::move(move));
    }
    if (frame->kind == FrameKind::kUsers) Append(memories.users, UsersIn(*frame));
  }
}

bool Predecessor::left() const { return channel_.ended(); }

void Predecessor::Serving() { (void)channel_.Send(FrameOf(FrameKind::kServing), kSendPatience); }

void Predecessor::Refuse(std::string_view why) {
  (void)channel_.Send(
      FrameOf(FrameKind::kFailed, Fields().Text(Tag::kText, why.substr(0, kReasonBytesMax))),
      kSendPatience);
}

void Predecessor::Listen(GhostLeases& ghosts, OnSlots on_slots, std::function<void()> on_gone) {
  thread_ = std::thread([this, &ghosts, on_slots = std::move(on_slots),
                         on_gone = std::move(on_gone)] { Run(ghosts, on_slots, on_gone); });
}

void Predecessor::Run(GhostLeases& ghosts, const OnSlots& on_slots,
                      const std::function<void()>& on_gone) {
  for (;;) {
    const auto message = channel_.Receive(kListenPatience);
    if (!message && message.error().code == ETIMEDOUT) continue;
    if (!message) break;
    if (const auto frame = ParseFrame(message->bytes)) OnFrame(*frame, ghosts, on_slots);
  }
  ghosts.Clear();
  on_gone();
  gone_ = true;
}

void Predecessor::OnFrame(const Frame& frame, GhostLeases& ghosts, const OnSlots& on_slots) {
  const std::vector<HeldUser> users = UsersIn(frame);
  if (frame.kind == FrameKind::kReleased) {
    for (const HeldUser& each : users) ghosts.Release(each.cluster, each.user);
  }
  if (frame.kind == FrameKind::kSlots) {
    for (const SlotCount& each : SlotsIn(frame)) on_slots(each);
  }
  if (frame.kind != FrameKind::kClaim || users.empty()) return;
  const uint64_t number = NumberIn(frame.fields, Tag::kNumber);
  ghosts.Claim(users.front(), [this, number](const std::string& node) {
    (void)channel_.Send(
        FrameOf(FrameKind::kClaimed, Fields().Number(Tag::kNumber, number).Text(Tag::kNode, node)),
        kSendPatience);
  });
}

}  // namespace poplar::handover
