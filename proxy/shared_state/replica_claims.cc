// Users: which node they are on, over all replicas.
#include <absl/strings/escaping.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "proxy/shared_state/limits.h"
#include "proxy/shared_state/replica.h"

namespace poplar::shared_state {
namespace {

using balancer::Affinity;

// Of a claim in the store. Whoever lives makes his again well before; whoever has died leaves them.
constexpr std::string_view kClaimSeconds = "3600";

// Behind the store's birth, when it knows nobody's claims, nobody gets a new one for so long. By
// then all have made theirs again.
constexpr std::chrono::milliseconds kYoung(2000);

}  // namespace

std::string Replica::KeyOf(balancer::ClusterId cluster, const std::string& user) {
  constexpr size_t kDigestBytes = 16;
  const auto digest = digest_.Of(host_.NameOf(cluster), user);
  return Key("claim:") +
         absl::BytesToHexString({reinterpret_cast<const char*>(digest.data()), kDigestBytes});
}

void Replica::Ask(Claim claim, std::function<void(const ClaimAnswer&)> answer) {
  proactor_.PostFromAnyThread(
      [this, claim = std::move(claim), answer = std::move(answer)] { Send(claim, false, answer); });
}

void Replica::Send(const Claim& claim, bool again,
                   const std::function<void(const ClaimAnswer&)>& answer) {
  if (!live_) return answer(Unasked());
  const auto guest = affinity_.GuestOf(claim.cluster, claim.user);
  const std::string sessions = std::to_string(guest ? guest->sessions : 0);
  const std::string stay = std::to_string(claim.stay);
  const auto words =
      link_->Call(Script::kClaim, {KeyOf(claim.cluster, claim.user), Key("replicas"), Key("born")},
                  {id_, IdsBefore(), host_.NameOf(claim.node), stay, sessions, kClaimSeconds,
                   std::to_string(again ? 0 : kYoung.count())});
  const bool sent = link_->Send(words, [this, claim, answer](const std::optional<Reply>& reply) {
    answer(OnClaim(claim, reply));
  });
  if (!sent) answer(link_->ended() ? Unasked() : ClaimAnswer());
}

ClaimAnswer Replica::Unasked() const {
  const bool away = reach(proactor_.Now()) == Reach::kAway;
  return {.kind = away ? ClaimAnswer::Kind::kAlone : ClaimAnswer::Kind::kLater};
}

ClaimAnswer Replica::OnClaim(const Claim& claim, const std::optional<Reply>& reply) {
  using Kind = ClaimAnswer::Kind;
  const std::string word = reply ? reply->at(0).text : "";
  Count(word.empty() ? Request::kError : Request::kOk);
  // The connection is gone. Who asks again soon will find out whether the store is away.
  if (!reply) return {.kind = Kind::kLater};
  if (word == "granted" || word == "elsewhere") {
    ClaimAnswer answer{.kind = word == "granted" ? Kind::kGranted : Kind::kElsewhere};
    answer.sessions = static_cast<uint32_t>(std::clamp<int64_t>(
        reply->at(2).AsNumber().value_or(0), 0, std::numeric_limits<uint32_t>::max()));
    if (answer.kind == Kind::kElsewhere) answer.node = host_.Find(reply->at(1).text);
    if (answer.node == claim.node) answer.kind = Kind::kGranted;
    return answer;
  }
  if (word == "young" || word == "stranger") {
    // The store has forgotten us: others may take our users, so all are claimed again at once.
    if (word == "stranger") {
      reconciles_ = true;
      next_beat_ = {};
      awake_.Signal();
    }
    return Later(word == "young" ? reply->at(2).AsNumber().value_or(0) : 0);
  }
  // A script that is gone, or a store that has run out of memory.
  link_->Abort();
  return {};
}

// Whoever waits for the same moment doesn't come back in step.
ClaimAnswer Replica::Later(int64_t millis) {
  ClaimAnswer later{.kind = ClaimAnswer::Kind::kLater};
  if (millis > 0) {
    later.after += std::chrono::milliseconds(std::min<int64_t>(millis, kYoung.count()));
    later.after += kAskAgain * static_cast<int64_t>(proactor_.random().Next() % 1000) / 1000;
  }
  return later;
}

void Replica::GaveUp() {
  Count(Request::kTimeout);
  proactor_.PostFromAnyThread([this] {
    breaker_.OnTimeout();
    SetUp();
  });
}

void Replica::Concluded(ClaimAnswer::Kind kind) {
  switch (kind) {
    case ClaimAnswer::Kind::kGranted:
      return Count(Claimed::kGranted);
    case ClaimAnswer::Kind::kElsewhere:
      return Count(Claimed::kElsewhere);
    case ClaimAnswer::Kind::kAlone:
      return Count(Claimed::kAlone);
    case ClaimAnswer::Kind::kLater:
      return;
  }
}

void Replica::CameLate(const Claim& claim, const ClaimAnswer& late) {
  if (late.kind == ClaimAnswer::Kind::kGranted) return;
  proactor_.PostFromAnyThread([this, claim, late] {
    if (late.kind == ClaimAnswer::Kind::kElsewhere) return Lose(claim);
    reconciles_ = true;
    awake_.Signal();
  });
}

// What stands in the store stands: whoever finds another's claim there gives way.
void Replica::Lose(const Claim& claim) {
  const auto guest = affinity_.GuestOf(claim.cluster, claim.user);
  if (!guest || guest->stay != claim.stay) return;
  Count(Claimed::kLost);
  affinity_.Unsettle(claim.cluster, claim.user);
  host_.Lost(claim.cluster, claim.user);
}

void Replica::StayEnded(balancer::ClusterId cluster, std::string_view user, uint64_t number) {
  proactor_.PostFromAnyThread(
      [this, cluster, user = std::string(user), number] { Release(cluster, user, number); });
}

// Whatever gets lost here is void with the id.
void Replica::Release(balancer::ClusterId cluster, const std::string& user, uint64_t number) {
  if (!live_) return;
  const auto words = link_->Call(Script::kRelease, {KeyOf(cluster, user)},
                                 {id_ + " " + IdsBefore(), std::to_string(number)});
  link_->Send(words, [this](const std::optional<Reply>& reply) {
    Count(reply && !reply->is(Reply::Kind::kError) ? Request::kOk : Request::kError);
  });
}

void Replica::SessionsChanged(balancer::ClusterId cluster, std::string_view user) {
  if (!up()) return;
  proactor_.PostFromAnyThread(
      [this, cluster, user = std::string(user)] { Recount(cluster, user); });
}

void Replica::Recount(balancer::ClusterId cluster, const std::string& user) {
  const auto guest = affinity_.GuestOf(cluster, user);
  if (!live_ || !guest || guest->stay == 0) return;
  const auto words =
      link_->Call(Script::kCount, {KeyOf(cluster, user)},
                  {id_, std::to_string(guest->stay), std::to_string(guest->sessions)});
  link_->Send(words, [this](const std::optional<Reply>& reply) {
    Count(reply && !reply->is(Reply::Kind::kError) ? Request::kOk : Request::kError);
  });
}

// All claims again: the store may have forgotten them, or they were made without it.
io::Task<void> Replica::Reconcile() {
  reconciles_ = false;
  for (size_t shard = 0; shard < Affinity::kShards && live_; ++shard) {
    const std::vector<Affinity::Guest> guests = affinity_.GuestsIn(shard);
    std::span<const Affinity::Guest> rest(guests);
    while (!rest.empty() && live_) {
      const size_t count = std::min(rest.size(), kReclaimsAtOnce);
      co_await Reclaim(rest.first(count));
      rest = rest.subspan(count);
      if (proactor_.Now() >= next_beat_) co_await Beat();
    }
  }
  if (!live_) co_return;
  if (!ids_before_.empty()) {
    Link::Words words = {"HDEL", Key("replicas")};
    words.insert(words.end(), ids_before_.begin(), ids_before_.end());
    if (co_await link_->Ask(std::move(words))) ids_before_.clear();
  }
}

io::Task<void> Replica::Reclaim(std::span<const Affinity::Guest> guests) {
  io::Event answered(proactor_.ready());
  size_t left = 1;
  const auto done = [&] {
    if (--left == 0) answered.Signal();
  };
  for (const Affinity::Guest& guest : guests) {
    // One that has ended since was given back already.
    const auto now = affinity_.GuestOf(guest.cluster, guest.user);
    if (!now || now->stay != guest.stay) continue;
    ++left;
    const Claim claim{guest.cluster, guest.user, guest.node, guest.stay};
    Send(claim, true, [this, claim, done](const ClaimAnswer& answer) {
      if (answer.kind == ClaimAnswer::Kind::kElsewhere) Lose(claim);
      done();
    });
  }
  done();
  co_await answered.Wait();
}

}  // namespace poplar::shared_state
