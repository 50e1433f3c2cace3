#include "proxy/handover/successor.h"

#include <chrono>
#include <optional>

namespace poplar::handover {
namespace {

constexpr io::Duration kSlotsInterval = std::chrono::milliseconds(250);
// A process that takes nothing for so long hangs.
constexpr io::Duration kTellPatience = std::chrono::seconds(10);
constexpr io::Duration kReadPatience = std::chrono::hours(1);

}  // namespace

std::vector<HeldUser> Successor::HandOver() {
  {
    const std::lock_guard lock(mutex_);
    handed_over_ = true;
    stopping_ = false;
  }
  std::vector<HeldUser> users;
  for (const balancer::Affinity::Held& held :
       affinity_.HandOver([this](balancer::ClusterId cluster, const balancer::CanonicalUser& user) {
         OnReleased(cluster, user);
       })) {
    users.push_back(
        {places_.name_of_cluster(held.cluster), held.user.text(), places_.name_of_node(held.node)});
  }
  return users;
}

void Successor::Connect(io::ProcessChannel channel, SlotCounts slots) {
  channel_ = std::move(channel);
  slots_ = std::move(slots);
  slots_told_.clear();
  writer_ = std::thread([this] { Write(); });
  reader_ = std::thread([this] { Read(); });
}

void Successor::Disconnect() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  said_.notify_all();
  channel_.Shutdown();
  if (writer_.joinable()) writer_.join();
  if (reader_.joinable()) reader_.join();
  GiveUp();
}

// With no lock of ours held: leases have locks of their own, under which OnReleased is called.
void Successor::GiveUp() {
  std::map<uint64_t, Asked> claims;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(handed_over_, false)) return;
    claims.swap(claims_);
    to_say_.clear();
  }
  affinity_.TakeBack();
  for (auto& [number, claim] : claims) {
    claim.lease.Release();
    claim.done();
  }
}

void Successor::Claim(balancer::ClusterId cluster, const balancer::CanonicalUser& user,
                      balancer::NodeId node, io::Proactor& asking, std::function<void()> done) {
  ClaimFor(cluster, user, node, [&asking, done = std::move(done)]() mutable {
    asking.PostFromAnyThread(std::move(done));
  });
}

void Successor::ClaimFor(balancer::ClusterId cluster, const balancer::CanonicalUser& user,
                         balancer::NodeId node, std::function<void()> done) {
  const std::string cluster_name = places_.name_of_cluster(cluster);
  const Fields wanted = FieldsOf({cluster_name, user.text(), places_.name_of_node(node)});
  auto lease = affinity_.Acquire(cluster, user, node);
  std::unique_lock lock(mutex_);
  if (!handed_over_) {
    lock.unlock();
    lease.Release();
    return done();
  }
  const uint64_t number = ++last_claim_;
  claims_.emplace(number, Asked{std::move(lease), cluster, cluster_name, std::move(done)});
  to_say_.push_back(
      FrameOf(FrameKind::kClaim, Fields().Number(Tag::kNumber, number).Nested(Tag::kUser, wanted)));
  lock.unlock();
  said_.notify_all();
}

void Successor::OnReleased(balancer::ClusterId cluster, const balancer::CanonicalUser& user) {
  const HeldUser released{places_.name_of_cluster(cluster), user.text(), {}};
  Say(FrameOf(FrameKind::kReleased, Fields().Nested(Tag::kUser, FieldsOf(released))));
}

void Successor::Say(std::string frame) {
  {
    const std::lock_guard lock(mutex_);
    if (handed_over_) to_say_.push_back(std::move(frame));
  }
  said_.notify_all();
}

// --- the writer

void Successor::Write() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    std::deque<std::string> frames;
    frames.swap(to_say_);
    lock.unlock();
    bool sent = WriteSlots();
    for (const std::string& frame : frames) sent = sent && channel_.Send(frame, kTellPatience);
    if (!sent) return channel_.Shutdown();  // the reader sees it, too
    lock.lock();
    if (to_say_.empty() && !stopping_) said_.wait_for(lock, kSlotsInterval);
  }
}

bool Successor::WriteSlots() {
  std::vector<std::pair<std::string, uint32_t>> now;
  std::vector<Fields> records;
  for (const SlotCount& slots : slots_()) {
    now.emplace_back(slots.cluster + "/" + slots.node, slots.count);
    records.push_back(FieldsOf(slots));
  }
  if (now == slots_told_) return true;
  slots_told_ = std::move(now);
  for (const std::string& frame : FramesOf(FrameKind::kSlots, Tag::kNode, records)) {
    if (!channel_.Send(frame, kTellPatience)) return false;
  }
  return true;
}

// --- the reader

void Successor::Read() {
  for (;;) {
    const auto message = channel_.Receive(kReadPatience);
    if (!message && message.error().code == ETIMEDOUT) continue;
    if (!message) break;
    const auto frame = ParseFrame(message->bytes);
    if (frame && frame->kind == FrameKind::kClaimed) OnClaimed(*frame);
  }
  GiveUp();
}

void Successor::OnClaimed(const Frame& frame) {
  Asked claim;
  {
    const std::lock_guard lock(mutex_);
    auto found = claims_.extract(NumberIn(frame.fields, Tag::kNumber));
    if (found.empty()) return;
    claim = std::move(found.mapped());
  }
  // Where it isn't told, the login finds that the user is unclaimed still.
  const auto place = places_.find(claim.cluster_name, TextIn(frame.fields, Tag::kNode));
  if (place && place->cluster == claim.cluster) claim.lease.Claimed(place->node);
  claim.done();
}

}  // namespace poplar::handover
