#include "balancer/affinity.h"

#include <absl/hash/hash.h>

#include <cassert>
#include <cstdlib>
#include <utility>

namespace poplar::balancer {
namespace {

// Clusters are different stores: one name in two of them is two maildrops.
std::string KeyOf(ClusterId cluster, const CanonicalUser& user) {
  return std::to_string(static_cast<uint32_t>(cluster)) + '\0' + user.text();
}

ClusterId ClusterIn(const std::string& key) {
  return ClusterId(static_cast<uint32_t>(std::strtoul(key.c_str(), nullptr, 10)));
}

CanonicalUser UserIn(const std::string& key) {
  return CanonicalUser::FromCanonical(key.substr(key.find('\0') + 1));
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
  const std::lock_guard lock(shard_->mutex);
  Entry& user = entry_->second;
  if (!user.HasRoom(sessions_max)) return false;
  ++user.active;
  user.accepted_by = credential;
  accepted_ = true;
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
  const std::lock_guard lock(shard_->mutex);
  ++entry_->second.parked;
  if (accepted_) --entry_->second.active;
  parked_ = true;
}

bool Affinity::Lease::Unpark(uint32_t sessions_max) {
  if (!parked_) return true;
  const std::lock_guard lock(shard_->mutex);
  Entry& user = entry_->second;
  if (!user.HasRoom(sessions_max)) return false;
  --user.parked;
  if (accepted_) ++user.active;
  parked_ = false;
  return true;
}

bool Affinity::Lease::held() const {
  assert(shard_ != nullptr);
  const std::lock_guard lock(shard_->mutex);
  const Entry& user = entry_->second;
  return user.bound - user.parked > (bound_ && !parked_ ? 1U : 0U);
}

void Affinity::Lease::Release() {
  if (shard_ == nullptr) return;
  {
    const std::lock_guard lock(shard_->mutex);
    Entry& user = entry_->second;
    if (accepted_ && !parked_) --user.active;
    if (parked_) --user.parked;
    if (bound_) --user.bound;
    if (--user.leases == 0) {
      assert(user.bound == 0 && user.parked == 0 && user.active == 0);
      Forget(*shard_, *entry_);
      shard_->entries.erase(shard_->entries.find(entry_->first));
    }
  }
  shard_ = nullptr;
  entry_ = nullptr;
  bound_ = accepted_ = parked_ = false;
}

// With the lock held: whatever is claimed afterwards is told afterwards.
void Affinity::Forget(Shard& shard, Map::value_type& entry) {
  if (!std::exchange(entry.second.known, false) || shard.on_released == nullptr) return;
  (*shard.on_released)(ClusterIn(entry.first), UserIn(entry.first));
}

Affinity::~Affinity() { assert(Users() == 0); }

Affinity::Shard& Affinity::ShardOf(const std::string& key) const {
  // The upper bits: the maps inside use the lower ones of the same hash.
  return shards_[(absl::Hash<std::string>{}(key) >> 32) % kShards];
}

Affinity::Lease Affinity::Acquire(ClusterId cluster, const CanonicalUser& user, NodeId chosen) {
  std::string key = KeyOf(cluster, user);
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto [entry, is_first] = shard.entries.try_emplace(std::move(key));
  if (is_first) entry->second.node = chosen;
  ++entry->second.leases;
  return Lease(&shard, &*entry);
}

uint32_t Affinity::LeasesOf(ClusterId cluster, const CanonicalUser& user) const {
  const std::string key = KeyOf(cluster, user);
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto entry = shard.entries.find(key);
  return entry == shard.entries.end() ? 0 : entry->second.leases;
}

std::optional<NodeId> Affinity::NodeOf(ClusterId cluster, const CanonicalUser& user) const {
  const std::string key = KeyOf(cluster, user);
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
      if (entry.known) held.push_back({ClusterIn(key), UserIn(key), entry.node});
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
