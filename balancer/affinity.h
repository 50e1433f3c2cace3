#pragma once

#include <absl/container/node_hash_map.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "balancer/canonical_user.h"
#include "balancer/credential_digest.h"
#include "balancer/node_table.h"

namespace poplar::balancer {

// Who hears how long users stay on nodes, e.g. to tell other replicas. Called by whatever thread
// made the change, under no lock.
class StayObserver {
 public:
  virtual ~StayObserver() = default;
  // The user has more or fewer sessions that count.
  virtual void SessionsChanged(ClusterId cluster, std::string_view user) = 0;
  // The user's last bound lease has gone; of stays that somebody asked about (Lease::stay).
  virtual void StayEnded(ClusterId cluster, std::string_view user, uint64_t number) = 0;
};

// Keeps a user on one node at a time: while any session of the user lives, the user's logins follow
// it (two nodes writing one user's indexes on shared storage corrupt them).
//
// A session takes a Lease when it knows its credentials and gives it back (destroys it) when its
// upstream connection is gone. Until it sends credentials the lease is *pending* and the user may
// still be moved, by any pending session of that user; Bind() just before credentials are sent ends
// that.
//
//   Lease lease = affinity.Acquire(cluster, user, candidates.front());
//   connect to lease.node(); on failure: lease.Move(next) and connect again, or give up when it
//   says no; before credentials: lease.Bind(), and connect again to the new lease.node() when it
//   says kMoved.
//
// Thread-safe: any worker may call anything on the Affinity; a Lease is used by one thread at a
// time. Memory: one entry a user with a live lease, so bounded by the limit on sessions.
class Affinity {
  struct Entry {
    NodeId node{};
    uint32_t leases = 0;           // pending and bound
    uint32_t bound = 0;            // of those, the bound ones
    uint32_t parked = 0;           // of those, the parked ones
    uint32_t active = 0;           // and those accepted and not parked: what limits count
    uint64_t stay = 0;             // the present one's number; 0: nobody has asked about it
    bool settled = false;          // it needs no more asking
    CredentialDigest accepted_by;  // of the last one that was accepted
    bool known = false;            // to the process that has taken over, which holds the user there

    bool HasRoom(uint32_t sessions_max) const { return sessions_max == 0 || active < sessions_max; }
  };
  using Map = absl::node_hash_map<std::string, Entry>;  // nodes: leases point at entries

  static constexpr size_t kCacheLine = 64;

 public:
  // A user whom bound leases hold on a node.
  struct Held {
    ClusterId cluster{};
    CanonicalUser user;
    NodeId node{};
  };
  // Called with a lock held: may only note it down. The user is held here no longer.
  using OnReleased = std::function<void(ClusterId, const CanonicalUser&)>;

 private:
  struct alignas(kCacheLine) Shard {
    std::mutex mutex;
    Map entries;                              // guarded by mutex, as is every Entry in it
    bool handed_over = false;                 // likewise
    std::shared_ptr<OnReleased> on_released;  // likewise
    uint64_t stays = 0;                       // numbers given out; likewise
    StayObserver* observer = nullptr;
  };

 public:
  // Enough that 64 workers logging users in at once seldom meet on a mutex held for some 100 ns.
  static constexpr size_t kShards = 64;

  enum class BindResult : uint8_t {
    kBound,
    kMoved,
    kUnclaimed,  // another process decides by now: see HandOver
  };

  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { Release(); }

    explicit operator bool() const { return shard_ != nullptr; }

    // The node this session is to use.
    NodeId node() const { return node_; }

    // For fail-over before credentials were sent. True: node() has changed, to `next` or to where
    // another session has moved the user meanwhile. False: a bound session holds the user on
    // node(). Not after Bind().
    bool Move(NodeId next);

    // kBound: the user stays on node() while this lease lives; credentials may be sent there.
    // kMoved: another session has moved the user meanwhile; node() now says where to.
    // kUnclaimed: nothing has changed; ask the other process, tell Claimed, and bind again.
    [[nodiscard]] BindResult Bind();

    // The process that has taken over holds the user on `node` for us, until OnReleased.
    void Claimed(NodeId node);

    // The node has accepted the login by this credential: from here on it counts as one of the
    // user's sessions. False: it doesn't, since `sessions_max` do already, not counting parked ones
    // (0: no limit). Only when bound, and once. Before the node's word nothing counts: otherwise
    // whoever knows no more than a user's name could use up the user's sessions.
    [[nodiscard]] bool Accept(const CredentialDigest& credential, uint32_t sessions_max);

    // Whether Accept would say no to this very credential, by which the last of those sessions was
    // accepted: then the node needn't be asked, and nobody is told anything who didn't know.
    bool Full(const CredentialDigest& credential, uint32_t sessions_max) const;

    // A user stays on a node from the first bound lease to the end of the last one. Only when
    // bound: the number of the present stay, never that of another one of this user's, and whether
    // somebody has settled it. From here on its end is told to the observer.
    struct Stay {
      uint64_t number = 0;
      bool settled = false;
    };
    Stay stay();
    // It needs no more asking. Only when bound.
    void Settle();

    bool bound() const { return bound_; }

    // Whether another session of the user lives on node(): bound, and not parked.
    bool held() const;

    // The session is parked: it still holds the user on node(), but is none of the user's sessions
    // until Unpark. Only when bound; idempotent, as is Unpark.
    void Park();
    // False: it stays parked, since `sessions_max` sessions of the user count already (0: no
    // limit).
    bool Unpark(uint32_t sessions_max = 0);
    bool parked() const { return parked_; }

    // Idempotent; the destructor does it too.
    void Release();

   private:
    friend class Affinity;
    void TellOfSessions();
    Lease(Shard* shard, Map::value_type* entry)
        : shard_(shard), entry_(entry), node_(entry->second.node) {}

    Shard* shard_ = nullptr;
    Map::value_type* entry_ = nullptr;
    NodeId node_{};
    bool bound_ = false;
    bool accepted_ = false;
    bool parked_ = false;
  };

  Affinity() = default;
  // Every lease must be gone.
  ~Affinity();
  Affinity(const Affinity&) = delete;
  Affinity& operator=(const Affinity&) = delete;

  // A pending lease on the node where the user's other sessions are; `chosen` when there is none.
  [[nodiscard]] Lease Acquire(ClusterId cluster, const CanonicalUser& user, NodeId chosen);

  // Live leases of one user, pending ones included.
  uint32_t LeasesOf(ClusterId cluster, const CanonicalUser& user) const;

  // Where they are; nothing: there is none.
  std::optional<NodeId> NodeOf(ClusterId cluster, const CanonicalUser& user) const;

  // Another process has taken over, and from now on decides where users are: this one's leases live
  // in it too, so that no user is on two nodes at once. Returns what is held now; the other process
  // has to hold it before it lets anybody in. Whatever is to be bound from here on must be claimed
  // there first, but for users whom it knows to be here; `on_released` says when it may let go of
  // one.
  [[nodiscard]] std::vector<Held> HandOver(OnReleased on_released);
  // This process decides again: the other one has failed, or is gone.
  void TakeBack();
  // Before the first lease; null: nobody.
  void Observe(StayObserver* observer);

  // Somebody who stays on a node; `stay`: 0 if nobody has asked about it.
  struct Guest {
    ClusterId cluster{};
    std::string user;
    NodeId node{};
    uint64_t stay = 0;
    uint32_t sessions = 0;  // those that count
  };
  // Nothing: no lease of the user's is bound.
  std::optional<Guest> GuestOf(ClusterId cluster, std::string_view user) const;
  // All in one of kShards shards, by their names; each gets a number for its stay if it had none.
  std::vector<Guest> GuestsIn(size_t shard);

  // Whoever logs in has to ask again.
  void Unsettle(ClusterId cluster, std::string_view user);

  // Users with a live lease. Walks all shards: for the status page, not for a session.
  size_t Users() const;
  // Whether any user's live leases are on the node. Walks all entries: for whoever wants to give
  // the node's number to another, not for a session.
  bool AnyOn(NodeId node) const;

 private:
  Shard& ShardOf(const std::string& key) const;
  static void Forget(Shard& shard, Map::value_type& entry);
  static uint64_t NumberOf(Shard& shard, Entry& user);

  mutable std::array<Shard, kShards> shards_;
};

}  // namespace poplar::balancer
