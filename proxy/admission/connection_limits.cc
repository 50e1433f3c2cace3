#include "proxy/admission/connection_limits.h"

#include <cassert>

namespace poplar::admission {

tl::expected<ConnectionLimits::Place, Refusal> ConnectionLimits::Admit(const Policy& policy,
                                                                       io::Time now) {
  const ConnectionRules& rules = policy.connections;
  if (sessions_.fetch_add(1, std::memory_order_relaxed) >= rules.sessions && rules.sessions > 0) {
    sessions_.fetch_sub(1, std::memory_order_relaxed);
    return tl::unexpected(Refusal::kSessions);
  }
  Place place;
  place.limits_ = this;
  if (rules.rate) {
    const std::lock_guard lock(rate_mutex_);
    if (!rate_) rate_.emplace(rules.rate, now);
    if (!rate_->TryTake(rules.rate, now)) return tl::unexpected(Refusal::kRate);
  }
  place.unauthenticated_ = true;
  unauthenticated_.fetch_add(1, std::memory_order_relaxed);
  return place;
}

bool ConnectionLimits::TooManyUnauthenticated(const Policy& policy) const {
  const int64_t most = policy.connections.unauthenticated;
  return most > 0 && unauthenticated() > most;
}

std::optional<Refusal> ConnectionLimits::Place::Identify(
    const Policy& policy, std::initializer_list<const AccessList*> lists, const io::Address& client,
    io::Time now) {
  if (limits_ == nullptr) return std::nullopt;
  LeaveGroups();
  if (!policy.access.Admits(client)) return Refusal::kDenied;
  for (const AccessList* list : lists) {
    if (list != nullptr && !list->Admits(client)) return Refusal::kDenied;
  }
  if (policy.trusted.Contains(client)) return std::nullopt;
  const ConnectionRules& rules = policy.connections;
  const AddressGroup address = GroupOf(client, policy.address_bits);
  if (rules.rate_per_address && !limits_->TakeRate(policy, address, now))
    return Refusal::kAddressRate;
  if (rules.per_address > 0 || rules.unauthenticated_per_address > 0) {
    if (const auto refusal = limits_->CountAddress(rules, address, unauthenticated_))
      return refusal;
    address_ = address;
  }
  if (rules.per_network > 0) {
    const AddressGroup network = GroupOf(client, policy.network_bits);
    if (!limits_->CountNetwork(rules, network)) return Refusal::kNetworkConnections;
    network_ = network;
  }
  return std::nullopt;
}

bool ConnectionLimits::TakeRate(const Policy& policy, const AddressGroup& address, io::Time now) {
  const Rate& rate = policy.connections.rate_per_address;
  // Those that have been quiet for longest have nothing to pay.
  const auto worth = [](const RateEntry& entry) {
    return static_cast<uint64_t>(entry.paid_by) ^ uint64_t { 1 } << 63;
  };
  bool taken = false;
  rates_.Put(TagOf(key_, address), worth, [&](RateEntry& entry) {
    const bool is_new = entry.paid_by == 0;
    TokenBucket bucket =
        is_new ? TokenBucket(rate, now) : TokenBucket(io::Time(io::Duration(entry.paid_by)));
    taken = bucket.TryTake(rate, now);
    const int64_t paid_by = bucket.paid_by().time_since_epoch().count();
    entry.paid_by = paid_by == 0 ? 1 : paid_by;
  });
  return taken;
}

std::optional<Refusal> ConnectionLimits::CountAddress(const ConnectionRules& rules,
                                                      const AddressGroup& address,
                                                      bool unauthenticated) {
  Shard& shard = ShardOf(addresses_, address);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.counts.find(address);
  const Count count = found == shard.counts.end() ? Count{} : found->second;
  if (rules.per_address > 0 && count.connections >= rules.per_address)
    return Refusal::kAddressConnections;
  if (rules.unauthenticated_per_address > 0 && unauthenticated &&
      count.unauthenticated >= rules.unauthenticated_per_address) {
    return Refusal::kAddressUnauthenticated;
  }
  Count& counted = shard.counts[address];
  ++counted.connections;
  if (unauthenticated) ++counted.unauthenticated;
  return std::nullopt;
}

bool ConnectionLimits::CountNetwork(const ConnectionRules& rules, const AddressGroup& network) {
  Shard& shard = ShardOf(networks_, network);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.counts.find(network);
  if (found != shard.counts.end() && found->second.connections >= rules.per_network) return false;
  ++shard.counts[network].connections;
  return true;
}

ConnectionLimits::Shard& ConnectionLimits::ShardOf(Shards& shards, const AddressGroup& group) {
  return shards[TagOf(key_, group) % kShards];
}

void ConnectionLimits::Forget(Shards& shards, const AddressGroup& group, bool connection,
                              bool unauthenticated) {
  Shard& shard = ShardOf(shards, group);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.counts.find(group);
  assert(found != shard.counts.end());
  if (unauthenticated) --found->second.unauthenticated;
  if (connection && --found->second.connections == 0) shard.counts.erase(found);
}

size_t ConnectionLimits::groups() const {
  size_t groups = 0;
  for (const Shards* shards : {&addresses_, &networks_}) {
    for (const Shard& shard : *shards) {
      const std::lock_guard lock(shard.mutex);
      groups += shard.counts.size();
    }
  }
  return groups;
}

ConnectionLimits::Place& ConnectionLimits::Place::operator=(Place&& other) noexcept {
  Leave();
  limits_ = std::exchange(other.limits_, nullptr);
  address_ = std::exchange(other.address_, std::nullopt);
  network_ = std::exchange(other.network_, std::nullopt);
  unauthenticated_ = std::exchange(other.unauthenticated_, false);
  return *this;
}

void ConnectionLimits::Place::LeaveUnauthenticated() {
  if (!std::exchange(unauthenticated_, false)) return;
  limits_->unauthenticated_.fetch_sub(1, std::memory_order_relaxed);
  if (address_) limits_->Forget(limits_->addresses_, *address_, false, true);
}

void ConnectionLimits::Place::LeaveGroups() {
  if (address_) limits_->Forget(limits_->addresses_, *address_, true, unauthenticated_);
  if (network_) limits_->Forget(limits_->networks_, *network_, true, false);
  address_.reset();
  network_.reset();
}

void ConnectionLimits::Place::Leave() {
  if (limits_ == nullptr) return;
  LeaveUnauthenticated();
  LeaveGroups();
  std::exchange(limits_, nullptr)->sessions_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace poplar::admission
