#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "balancer/affinity.h"
#include "balancer/time.h"

namespace poplar::balancer {

class NodePool;

// The right to one upstream connection of a node; counts from being taken until it goes. Released
// from any thread; the next login in the queue is then served.
class Slot {
 public:
  Slot() = default;
  Slot(Slot&& other) noexcept;
  Slot& operator=(Slot&& other) noexcept;
  ~Slot() { Release(); }

  explicit operator bool() const { return pool_ != nullptr; }
  // Idempotent. May call a waiter's OnGranted.
  void Release();

 private:
  friend class NodePool;
  explicit Slot(NodePool* pool) : pool_(pool) {}

  NodePool* pool_ = nullptr;
};

// What a pool keeps without ever looking into it. It brings its slot along, which goes last.
class PooledConnection {
 public:
  virtual ~PooledConnection() = default;

  Slot slot;
};

// Keyed digest of user name and password as the node accepted them; compare with Matches.
struct CredentialDigest {
  std::array<uint8_t, 32> bytes{};
  // In constant time.
  bool Matches(const CredentialDigest& other) const;
};

// A session whose client has left with a complete QUIT, kept for the same user's next login
// (DESIGN section 4). The lease holds the user on this node meanwhile; it must outlive the QUIT
// that ends the session at the node.
struct ParkedSession {
  std::unique_ptr<PooledConnection> connection;
  Affinity::Lease lease;
  CredentialDigest digest;
  Moment logged_in{};  // when the node answered the login: the age of its view counts from there
  bool utf8 = false;   // the session's mode
};

struct PoolLimits {
  uint32_t size = 0;                                    // slots; 0: unbounded
  uint32_t warm = 2;                                    // most warm connections at once
  uint32_t parked = 100;                                // most parked sessions at once
  Duration max_snapshot_age = std::chrono::seconds(5);  // 0: nobody is parked
  Duration warm_max_age = std::chrono::seconds(50);
};

// Why a parked session does or doesn't serve a login of its user.
enum class ParkedVerdict : uint8_t { kServes, kTooOld, kOtherCredential, kOtherMode };

ParkedVerdict Judge(const ParkedSession& parked, const CredentialDigest& presented, bool utf8,
                    Duration max_snapshot_age, Moment now);

// One node's upstream connections: the slots that bound them, the idle ones among them, and the
// queue of logins that wait. Shared by all workers; every call is safe from any thread and takes
// one short lock. It opens and closes nothing: what has to end is handed to the caller, who ends it
// with QUIT; the connection's slot comes back when the connection is destroyed.
//
// While anybody waits nothing is idle: what becomes idle, and every slot that comes back, goes to
// the first in the queue.
class NodePool {
 public:
  struct Grant {
    enum class Kind : uint8_t { kNone, kWarm, kSlot };
    Kind kind = Kind::kNone;
    std::unique_ptr<PooledConnection> connection;  // kWarm
    Slot slot;                                     // kSlot: open a connection of your own
  };

  // A login in the queue. Lives in its coroutine's frame, which must not go before OnGranted was
  // called or Withdraw has returned true.
  class Waiter {
   public:
    virtual ~Waiter() = default;
    // `grant` is set. Called at most once, by whichever thread gave way, with no lock held.
    virtual void OnGranted() = 0;

    Grant grant;

   private:
    friend class NodePool;
    bool queued_ = false;
  };

  // What must be ended with QUIT, and what must live until that is done.
  struct Idle {
    std::unique_ptr<PooledConnection> connection;
    Affinity::Lease lease;
  };

  struct Counts {
    uint32_t in_use = 0;  // slots taken: sessions, warm, parked, opening and closing ones
    uint32_t warm = 0;
    uint32_t parked = 0;
    uint32_t waiting = 0;
  };

  explicit NodePool(const PoolLimits& limits);
  // Nobody waits, nothing is idle, every slot is back.
  ~NodePool();
  NodePool(const NodePool&) = delete;
  NodePool& operator=(const NodePool&) = delete;

  // --- for logins

  // Takes the user's parked session out, whatever it is worth: Judge it. Null: there is none.
  std::unique_ptr<ParkedSession> TakeParked(ClusterId cluster, const CanonicalUser& user);

  // The oldest warm connection, or a slot. True: waiter.grant is set and OnGranted won't be called.
  // False: the waiter stands in the queue, and `*evicted`, if it isn't empty, is a parked session
  // that must give way: end it.
  [[nodiscard]] bool TakeOrWait(Waiter& waiter, Idle* evicted);

  // The login doesn't wait any longer. True: it is out of the queue. False: OnGranted has been
  // called or is about to be; wait for it, and let the grant go.
  [[nodiscard]] bool Withdraw(Waiter& waiter);

  // --- for sessions that end

  // Keeps the session for its user's next login. What is returned has to be ended: the session
  // itself where it can't be parked (closed, too old, somebody waits, parking is off), an earlier
  // one of the same user, the oldest one beyond the limit.
  [[nodiscard]] std::vector<Idle> Park(ClusterId cluster, const CanonicalUser& user,
                                       std::unique_ptr<ParkedSession> session, Moment now);

  // --- for the node's keeper

  // For one more warm connection; none when the slots are used up, somebody waits or the pool is
  // closed.
  std::optional<Slot> SlotForWarm();
  // A fresh warm connection with its slot. Returns it when nobody may keep it (closed).
  [[nodiscard]] std::unique_ptr<PooledConnection> AddWarm(
      std::unique_ptr<PooledConnection> connection, Moment expires);
  // Warm and parked ones whose time is up.
  [[nodiscard]] std::vector<Idle> TakeExpired(Moment now);
  // All of them: the node drains, was ejected, or we stop.
  [[nodiscard]] std::vector<Idle> TakeAllIdle();
  // Warm ones beyond `keep`, the oldest first.
  [[nodiscard]] std::vector<Idle> TakeSurplusWarm(uint32_t keep);
  // Closed: nothing becomes idle any more; logins are still served.
  void SetOpen(bool open);
  // Connections that logins asked for since the last call; for the adaptive size of the warm pool.
  uint64_t TakeDemand();
  // Called with no lock held, by any thread, after a login took a warm connection or found none;
  // once, until the next TakeDemand.
  void set_on_demand(std::function<void()> on_demand);

  void SetLimits(const PoolLimits& limits);
  PoolLimits limits() const;
  Counts counts() const;

 private:
  friend class Slot;
  void OnSlotReleased();

  // Sketch; the members are this file's implementer's choice.
  mutable std::mutex mutex_;
};

}  // namespace poplar::balancer
