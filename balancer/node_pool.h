#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "balancer/affinity.h"
#include "balancer/parked_session.h"
#include "balancer/slot.h"
#include "balancer/time.h"

namespace poplar::balancer {

struct PoolLimits {
  uint32_t size = 0;                                    // slots; 0: unbounded
  uint32_t warm = 2;                                    // most warm connections at once
  uint32_t parked = 100;                                // most parked sessions at once
  Duration max_snapshot_age = std::chrono::seconds(5);  // 0: nobody is parked
  Duration warm_max_age = std::chrono::seconds(50);
};

// One node's upstream connections: the slots that bound them, the idle ones among them, and the
// queue of logins that wait. Shared by all workers; every call is safe from any thread and takes
// one short lock. It opens and closes nothing: what has to end is handed to the caller, who ends it
// with QUIT; the connection's slot comes back when the connection is destroyed.
//
// While anybody waits no slot is free and nothing becomes idle: every slot that comes back and
// every fresh warm connection goes to the first in the queue, and as many parked sessions give way
// as there are logins waiting.
class NodePool {
 public:
  struct Grant {
    enum class Kind : uint8_t { kNone, kWarm, kSlot };
    Kind kind = Kind::kNone;
    std::unique_ptr<PooledConnection> connection;  // kWarm
    Slot slot;                                     // kSlot: open a connection of your own
  };

  // A login in the queue. Lives in its coroutine's frame, which must not go before OnGranted was
  // called or Withdraw has returned true. Its grant must be empty when it queues.
  class Waiter {
   public:
    Waiter() = default;
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    virtual ~Waiter();
    // `grant` is set. Called at most once, by whichever thread gave way, with no lock held; it
    // should post to the login's own worker and do no more.
    virtual void OnGranted() = 0;

    Grant grant;

   private:
    friend class NodePool;
    bool queued_ = false;
    Waiter* previous_ = nullptr;
    Waiter* next_ = nullptr;
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
    uint32_t taken_elsewhere = 0;
  };

  explicit NodePool(const PoolLimits& limits);
  // Nobody waits, nothing is idle, every slot is back.
  ~NodePool();
  NodePool(const NodePool&) = delete;
  NodePool& operator=(const NodePool&) = delete;

  // --- for logins

  // Takes the user's parked session out, whatever it is worth: Judge it. Null: there is none. Its
  // lease is unparked; where it still is parked(), the user has `sessions_max` other sessions.
  [[nodiscard]] std::unique_ptr<ParkedSession> TakeParked(ClusterId cluster,
                                                          const CanonicalUser& user,
                                                          uint32_t sessions_max = 0);

  // Who has a parked session here, by the names in that cluster.
  std::vector<CanonicalUser> ParkedUsers(ClusterId cluster) const;

  // The oldest warm connection, or a slot. True: waiter.grant is set and OnGranted won't be called.
  // False: the waiter stands in the queue, and `*evicted`, if it isn't empty, is a parked session
  // that must give way: end it.
  [[nodiscard]] bool TakeOrWait(Waiter& waiter, Idle* evicted);

  // A login that took a connection here is done. Only now is the keeper told, where another warm
  // one was left: to open the next would have been in the way of this login.
  void OnLoginDone();

  // The login doesn't wait any longer. True: it is out of the queue. False: OnGranted has been
  // called or is about to be; wait for it, and let the grant go.
  [[nodiscard]] bool Withdraw(Waiter& waiter);

  // --- for sessions that end

  // Keeps the session for its user's next login, and parks its lease. What is returned has to be
  // ended: the session itself where it can't be parked (closed, too old, somebody waits, parking is
  // off), the older one of two of the same user, the oldest one beyond the limit. The leases of
  // what is returned are parked too: a session that is being ended is none of the user's sessions.
  [[nodiscard]] std::vector<Idle> Park(ClusterId cluster, const CanonicalUser& user,
                                       std::unique_ptr<ParkedSession> session, Moment now);

  // --- for the node's keeper

  // For one more warm connection; none when the slots are used up, somebody waits or the pool is
  // closed.
  std::optional<Slot> SlotForWarm();
  // A fresh warm connection with its slot. Returns it when nobody may keep it (closed, there are
  // limits.warm of them, or `size` was lowered).
  [[nodiscard]] std::unique_ptr<PooledConnection> AddWarm(
      std::unique_ptr<PooledConnection> connection, Moment expires);
  // Warm and parked ones whose time is up, and those that must go since SetLimits.
  [[nodiscard]] std::vector<Idle> TakeExpired(Moment now);
  // All of them: the node drains, was ejected, or we stop.
  [[nodiscard]] std::vector<Idle> TakeAllIdle();
  // Warm ones beyond `keep`, the oldest first.
  [[nodiscard]] std::vector<Idle> TakeSurplusWarm(uint32_t keep);
  // Closed: nothing becomes idle any more; logins are still served.
  void SetOpen(bool open);
  // Connections that logins asked for since the last call; for the adaptive size of the warm pool.
  uint64_t TakeDemand();
  // Called with no lock held, by any thread, after a login took the last warm connection or found
  // none, and after one that took another is done; once, until the next TakeDemand; never where
  // limits.warm is 0. When this returns, no call of the earlier one is under way; so it must not be
  // called from within on_demand.
  void set_on_demand(std::function<void()> on_demand);

  // A size below what is in use: no slot is given until it fits again; idle ones beyond it go with
  // the next TakeExpired. A larger one serves waiters at once.
  void SetLimits(const PoolLimits& limits);
  PoolLimits limits() const;
  // Slots that connections of another process take, which we can do nothing about.
  void SetTakenElsewhere(uint32_t slots);
  Counts counts() const;

 private:
  friend class Slot;

  // First come, first served. Linked through the waiters, so that one leaves the middle at no cost.
  class Queue {
   public:
    bool empty() const { return first_ == nullptr; }
    uint32_t size() const { return size_; }
    void PushBack(Waiter& waiter);
    Waiter& PopFront();
    void Remove(Waiter& waiter);

   private:
    Waiter* first_ = nullptr;
    Waiter* last_ = nullptr;
    uint32_t size_ = 0;
  };

  struct Warm {
    std::unique_ptr<PooledConnection> connection;
    Moment expires{};
  };

  void OnSlotReleased(bool was_ending);

  // All of these under mutex_.
  uint32_t taken() const { return in_use_ + taken_elsewhere_; }
  bool HasFreeSlot() const { return limits_.size == 0 || taken() < limits_.size; }
  bool OverSize() const { return limits_.size != 0 && taken() > limits_.size; }
  Slot NewSlot();
  uint32_t SlotsOwed() const;
  Queue GrantFreeSlots();
  void MarkEnding(PooledConnection& connection);
  Idle End(std::unique_ptr<ParkedSession> parked);
  Idle EndOldestWarm();
  bool MayPark(const ParkedSession& session, Moment now) const;
  void CheckInvariants() const;

  // These without: they run others' code.
  static void Tell(Queue granted);
  // Null: there is nobody to tell, or nothing new.
  std::shared_ptr<const std::function<void()>> DemandToTell();
  void TellDemand(const std::function<void()>& on_demand);

  mutable std::mutex mutex_;
  PoolLimits limits_;  // guarded by mutex_, as is all below
  bool open_ = true;
  // SetLimits has left idle ones that must go; TakeExpired hands them out.
  bool sweep_due_ = false;
  uint32_t in_use_ = 0;
  uint32_t taken_elsewhere_ = 0;
  uint32_t ending_ = 0;  // of those, slots that are on their way back: their connections are ended
  Queue queue_;
  std::deque<Warm> warm_;  // in the order they were opened
  ParkedSessions parked_;

  uint64_t demand_ = 0;
  bool demand_told_ = false;
  std::shared_ptr<const std::function<void()>> on_demand_;
  int on_demand_calls_ = 0;  // under way
  std::condition_variable on_demand_idle_;
};

}  // namespace poplar::balancer
