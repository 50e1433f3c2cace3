#include "balancer/affinity.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <string>
#include <tuple>
#include <utility>

namespace poplar::balancer {
namespace {

// Clusters are different stores: one name in two of them is two maildrops.
std::string KeyOf(ClusterId cluster, std::string_view user) {
  return std::to_string(static_cast<uint32_t>(cluster)).append(1, '\0').append(user);
}

std::pair<ClusterId, std::string_view> PartsOf(std::string_view key) {
  const size_t end = key.find('\0');
  uint32_t number = 0;
  const std::string_view digits = key.substr(0, end);
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return {ClusterId{number}, key.substr(end + 1)};
}

}  // namespace

Affinity::Lease::Lease(Lease&& other) noexcept
    : shard_(std::exchange(other.shard_, nullptr)),
      entry_(std::exchange(other.entry_, nullptr)),
      node_(other.node_),
      bound_(std::exchange(other.bound_, false)),
      accepted_(std::exchange(other.accepted_, false)),
      parked_(std::exchange(other.parked_, false)) {}

Affinity::Lease& Affinity::Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  Release();
  shard_ = std::exchange(other.shard_, nullptr);
  entry_ = std::exchange(other.entry_, nullptr);
  node_ = other.node_;
  bound_ = std::exchange(other.bound_, false);
  accepted_ = std::exchange(other.accepted_, false);
  parked_ = std::exchange(other.parked_, false);
  return *this;
}

bool Affinity::Lease::Move(NodeId next) {
  assert(shard_ != nullptr && !bound_);
  const std::lock_guard lock(shard_->mutex);
  Entry& user = entry_->second;
  if (user.node == node_) {
    if (user.bound > 0) return false;
    user.node = next;
    Forget(*shard_, *entry_);
  }
  node_ = user.node;
  return true;
}

Affinity::BindResult Affinity::Lease::Bind() {
  assert(shard_ != nullptr && !bound_);
  const std::lock_guard lock(shard_->mutex);
  Entry& user = entry_->second;
  if (user.node != node_) {
    node_ = user.node;
    return BindResult::kMoved;
  }
  if (shard_->handed_over && !user.known) return BindResult::kUnclaimed;
  ++user.bound;
  bound_ = true;
  return BindResult::kBound;
}

void Affinity::Lease::Claimed(NodeId node) {
  assert(shard_ != nullptr && !bound_);
  const std::lock_guard lock(shard_->mutex);
  Entry& user = entry_->second;
  // Two logins of one user may have asked: the other process has said the same to both.
  if (shard_->handed_over) user.known = true;
  if (user.bound == 0) user.node = node;
}

bool Affinity::Lease::Accept(const CredentialDigest& credential, uint32_t sessions_max) {
  assert(shard_ != nullptr && bound_ && !accepted_);
  {
    const std::lock_guard lock(shard_->mutex);
    Entry& user = entry_->second;
    if (!user.HasRoom(sessions_max)) return false;
    ++user.active;
    user.accepted_by = credential;
    accepted_ = true;
  }
  TellOfSessions();
  return true;
}

bool Affinity::Lease::Full(const CredentialDigest& credential, uint32_t sessions_max) const {
  assert(shard_ != nullptr);
  const std::lock_guard lock(shard_->mutex);
  const Entry& user = entry_->second;
  return !user.HasRoom(sessions_max) && user.accepted_by.Matches(credential);
}

void Affinity::Lease::Park() {
  assert(shard_ != nullptr && bound_);
  if (parked_) return;
  {
    const std::lock_guard lock(shard_->mutex);
    ++entry_->second.parked;
    if (accepted_) --entry_->second.active;
    parked_ = true;
  }
  TellOfSessions();
}

bool Affinity::Lease::Unpark(uint32_t sessions_max) {
  if (!parked_) return true;
  {
    const std::lock_guard lock(shard_->mutex);
    Entry& user = entry_->second;
    if (!user.HasRoom(sessions_max)) return false;
    --user.parked;
    if (accepted_) ++user.active;
    parked_ = false;
  }
  TellOfSessions();
  return true;
}

Affinity::Lease::Stay Affinity::Lease::stay() {
  assert(shard_ != nullptr && bound_);
  const std::lock_guard lock(shard_->mutex);
  Entry& user = entry_->second;
  return {NumberOf(*shard_, user), user.settled};
}

void Affinity::Lease::Settle() {
  assert(shard_ != nullptr && bound_);
  const std::lock_guard lock(shard_->mutex);
  entry_->second.settled = true;
}

// Of a lease that lives on: the end of a stay says all there is.
void Affinity::Lease::TellOfSessions() {
  if (!accepted_ || shard_->observer == nullptr) return;
  const auto [cluster, user] = PartsOf(entry_->first);
  shard_->observer->SessionsChanged(cluster, user);
}

bool Affinity::Lease::held() const {
  assert(shard_ != nullptr);
  const std::lock_guard lock(shard_->mutex);
  const Entry& user = entry_->second;
  return user.bound - user.parked > (bound_ && !parked_ ? 1U : 0U);
}

void Affinity::Lease::Release() {
  if (shard_ == nullptr) return;
  StayObserver* const observer = shard_->observer;
  std::string key;
  uint64_t ended = 0;
  bool fewer = false;
  {
    const std::lock_guard lock(shard_->mutex);
    Entry& user = entry_->second;
    if (accepted_ && !parked_) --user.active;
    if (parked_) --user.parked;
    if (bound_ && --user.bound == 0) {
      ended = std::exchange(user.stay, 0);
      user.settled = false;
    }
    fewer = accepted_ && !parked_ && user.bound > 0;
    if (observer != nullptr && (ended != 0 || fewer)) key = entry_->first;
    if (--user.leases == 0) {
      assert(user.bound == 0 && user.parked == 0 && user.active == 0);
      Forget(*shard_, *entry_);
      shard_->entries.erase(shard_->entries.find(entry_->first));
    }
  }
  shard_ = nullptr;
  entry_ = nullptr;
  bound_ = accepted_ = parked_ = false;
  if (key.empty()) return;
  const auto [cluster, user] = PartsOf(key);
  if (ended != 0) {
    observer->StayEnded(cluster, user, ended);
  } else {
    observer->SessionsChanged(cluster, user);
  }
}

// With the lock held: whatever is claimed afterwards is told afterwards.
void Affinity::Forget(Shard& shard, Map::value_type& entry) {
  if (!std::exchange(entry.second.known, false) || shard.on_released == nullptr) return;
  const auto [cluster, user] = PartsOf(entry.first);
  (*shard.on_released)(cluster, CanonicalUser::FromCanonical(std::string(user)));
}

Affinity::~Affinity() { assert(Users() == 0); }

Affinity::Shard& Affinity::ShardOf(const std::string& key) const {
  // Abseil's hash is another in each process, and what goes by shards could not be replayed.
  return shards_[XXH64(key.data(), key.size(), 0) % kShards];
}

Affinity::Lease Affinity::Acquire(ClusterId cluster, const CanonicalUser& user, NodeId chosen) {
  std::string key = KeyOf(cluster, user.text());
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto [entry, is_first] = shard.entries.try_emplace(std::move(key));
  if (is_first) entry->second.node = chosen;
  ++entry->second.leases;
  return Lease(&shard, &*entry);
}

uint32_t Affinity::LeasesOf(ClusterId cluster, const CanonicalUser& user) const {
  const std::string key = KeyOf(cluster, user.text());
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto entry = shard.entries.find(key);
  return entry == shard.entries.end() ? 0 : entry->second.leases;
}

std::optional<NodeId> Affinity::NodeOf(ClusterId cluster, const CanonicalUser& user) const {
  const std::string key = KeyOf(cluster, user.text());
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto entry = shard.entries.find(key);
  return entry == shard.entries.end() ? std::nullopt : std::optional(entry->second.node);
}

std::vector<Affinity::Held> Affinity::HandOver(OnReleased on_released) {
  const auto shared = std::make_shared<OnReleased>(std::move(on_released));
  std::vector<Held> held;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    shard.handed_over = true;
    shard.on_released = shared;
    for (auto& [key, entry] : shard.entries) {
      entry.known = entry.bound > 0;
      if (!entry.known) continue;
      const auto [cluster, user] = PartsOf(key);
      held.push_back({cluster, CanonicalUser::FromCanonical(std::string(user)), entry.node});
    }
  }
  return held;
}

void Affinity::TakeBack() {
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    shard.handed_over = false;
    shard.on_released.reset();
    for (auto& [key, entry] : shard.entries) entry.known = false;
  }
}

void Affinity::Observe(StayObserver* observer) {
  for (Shard& shard : shards_) shard.observer = observer;
}

// With the shard's mutex held.
uint64_t Affinity::NumberOf(Shard& shard, Entry& user) {
  if (user.stay == 0) user.stay = ++shard.stays;
  return user.stay;
}

std::optional<Affinity::Guest> Affinity::GuestOf(ClusterId cluster, std::string_view user) const {
  const std::string key = KeyOf(cluster, user);
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.entries.find(key);
  if (found == shard.entries.end() || found->second.bound == 0) return std::nullopt;
  const Entry& entry = found->second;
  return Guest{cluster, std::string(user), entry.node, entry.stay, entry.active};
}

std::vector<Affinity::Guest> Affinity::GuestsIn(size_t number) {
  std::vector<Guest> guests;
  Shard& shard = shards_[number];
  {
    const std::lock_guard lock(shard.mutex);
    for (auto& [key, entry] : shard.entries) {
      if (entry.bound == 0) continue;
      const auto [cluster, user] = PartsOf(key);
      guests.push_back(
          {cluster, std::string(user), entry.node, NumberOf(shard, entry), entry.active});
    }
  }
  // Nor is the map's order one for all processes.
  std::sort(guests.begin(), guests.end(), [](const Guest& a, const Guest& b) {
    return std::tie(a.user, a.cluster) < std::tie(b.user, b.cluster);
  });
  return guests;
}

void Affinity::Unsettle(ClusterId cluster, std::string_view user) {
  const std::string key = KeyOf(cluster, user);
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.entries.find(key);
  if (found != shard.entries.end()) found->second.settled = false;
}

size_t Affinity::Users() const {
  size_t users = 0;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    users += shard.entries.size();
  }
  return users;
}

bool Affinity::AnyOn(NodeId node) const {
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [user, entry] : shard.entries) {
      if (entry.node == node) return true;
    }
  }
  return false;
}

}  // namespace poplar::balancer
