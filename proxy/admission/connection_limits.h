#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <tl/expected.hpp>
#include <utility>

#include "proxy/admission/access.h"
#include "proxy/admission/address_group.h"
#include "proxy/admission/associative_table.h"
#include "proxy/admission/limits.h"
#include "proxy/admission/policy.h"
#include "proxy/admission/refusal.h"
#include "proxy/admission/token_bucket.h"

namespace poplar::admission {

// Counts the connections that there are, by address and network. What it holds grows with them and
// no further. Safe from any thread; a lock or two for each connection that comes, logs in or goes.
class ConnectionLimits {
 public:
  // `key`: random, one for the process.
  explicit ConnectionLimits(uint64_t key) : key_(key), rates_(kRatedAddressesMax) {}
  ConnectionLimits(const ConnectionLimits&) = delete;
  ConnectionLimits& operator=(const ConnectionLimits&) = delete;

  // A connection's part in all counts, until it goes. It begins as one that isn't logged in. Moves
  // between threads as its connection does; must not outlive the limits.
  class [[nodiscard]] Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept { *this = std::move(other); }
    Place& operator=(Place&& other) noexcept;
    ~Place() { Leave(); }

    // Once the client's address is known: that of its connection, or what a PROXY header says.
    // `lists`: of the listener and of the cluster; null ones are passed over. A refusal is the
    // connection's end. Again where another proxy speaks for another client. Where no place is held
    // nothing is judged.
    std::optional<Refusal> Identify(const Policy& policy,
                                    std::initializer_list<const AccessList*> lists,
                                    const io::Address& client, io::Time now);
    // It counts among the unauthenticated no more: logged in, or told to go.
    void LeaveUnauthenticated();
    // Nothing is counted any more.
    void Leave();

   private:
    friend class ConnectionLimits;
    void LeaveGroups();

    ConnectionLimits* limits_ = nullptr;  // null: holds no place
    std::optional<AddressGroup> address_;
    std::optional<AddressGroup> network_;
    bool unauthenticated_ = false;
  };

  // For each connection, before anything is spent on it.
  tl::expected<Place, Refusal> Admit(const Policy& policy, io::Time now);

  // Whether a connection that hasn't logged in has to go.
  bool TooManyUnauthenticated(const Policy& policy) const;

  int64_t sessions() const { return sessions_.load(std::memory_order_relaxed); }
  int64_t unauthenticated() const { return unauthenticated_.load(std::memory_order_relaxed); }
  // Addresses and networks that are remembered because connections of theirs live.
  size_t groups() const;

 private:
  static constexpr size_t kShards = 64;
  struct Count {
    uint32_t connections = 0;
    uint32_t unauthenticated = 0;
  };
  struct Shard {
    mutable std::mutex mutex;
    absl::flat_hash_map<AddressGroup, Count> counts;
  };
  using Shards = std::array<Shard, kShards>;
  struct RateEntry {
    uint64_t tag;
    int64_t paid_by;  // 0: the entry is new
  };

  bool TakeRate(const Policy& policy, const AddressGroup& address, io::Time now);
  std::optional<Refusal> CountAddress(const ConnectionRules& rules, const AddressGroup& address,
                                      bool unauthenticated);
  bool CountNetwork(const ConnectionRules& rules, const AddressGroup& network);
  Shard& ShardOf(Shards& shards, const AddressGroup& group);
  void Forget(Shards& shards, const AddressGroup& group, bool connection, bool unauthenticated);

  const uint64_t key_;
  std::atomic<int64_t> sessions_ = 0;
  std::atomic<int64_t> unauthenticated_ = 0;
  std::mutex rate_mutex_;
  std::optional<TokenBucket> rate_;
  AssociativeTable<RateEntry> rates_;
  Shards addresses_;
  Shards networks_;
};

}  // namespace poplar::admission
