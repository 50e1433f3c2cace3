#include "balancer/node_pool.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace poplar::balancer {
namespace {

ParkedSessions::Key KeyOf(ClusterId cluster, const CanonicalUser& user) {
  return {cluster, user.text()};
}

}  // namespace

// --- the queue

NodePool::Waiter::~Waiter() { assert(!queued_); }

void NodePool::Queue::PushBack(Waiter& waiter) {
  waiter.previous_ = last_;
  waiter.next_ = nullptr;
  (last_ == nullptr ? first_ : last_->next_) = &waiter;
  last_ = &waiter;
  ++size_;
}

NodePool::Waiter& NodePool::Queue::PopFront() {
  Waiter& waiter = *first_;
  Remove(waiter);
  return waiter;
}

void NodePool::Queue::Remove(Waiter& waiter) {
  (waiter.previous_ == nullptr ? first_ : waiter.previous_->next_) = waiter.next_;
  (waiter.next_ == nullptr ? last_ : waiter.next_->previous_) = waiter.previous_;
  waiter.previous_ = nullptr;
  waiter.next_ = nullptr;
  --size_;
}

// --- slots

NodePool::NodePool(const PoolLimits& limits) : limits_(limits) {}

NodePool::~NodePool() {
  assert(queue_.empty() && warm_.empty() && parked_.empty());
  assert(in_use_ == 0 && ending_ == 0 && on_demand_calls_ == 0);
}

Slot NodePool::NewSlot() {
  ++in_use_;
  return Slot(this);
}

// How many slots have to come back before nobody waits and the limit is kept.
uint32_t NodePool::SlotsOwed() const {
  return queue_.size() + (OverSize() ? taken() - limits_.size : 0);
}

// Each taken from the queue; Tell them once the lock is free.
NodePool::Queue NodePool::GrantFreeSlots() {
  Queue granted;
  while (!queue_.empty() && HasFreeSlot()) {
    Waiter& first = queue_.PopFront();
    first.queued_ = false;
    first.grant.kind = Grant::Kind::kSlot;
    first.grant.slot = NewSlot();
    granted.PushBack(first);
  }
  return granted;
}

// A waiter may be gone as soon as it has been told.
void NodePool::Tell(Queue granted) {
  while (!granted.empty()) granted.PopFront().OnGranted();
}

void NodePool::OnSlotReleased(bool was_ending) {
  Queue granted;
  {
    const std::lock_guard lock(mutex_);
    assert(in_use_ > 0 && ending_ >= (was_ending ? 1 : 0));
    --in_use_;
    if (was_ending) --ending_;
    granted = GrantFreeSlots();
    CheckInvariants();
  }
  Tell(granted);
}

void NodePool::CheckInvariants() const {
  assert(ending_ + warm_.size() + parked_.size() <= in_use_);
  if (queue_.empty()) return;
  assert(!HasFreeSlot() && warm_.empty());
  assert(parked_.empty() || ending_ >= queue_.size() || sweep_due_);
}

void NodePool::MarkEnding(PooledConnection& connection) {
  assert(connection.slot.pool_ == this && !connection.slot.ending_);
  connection.slot.ending_ = true;
  ++ending_;
}

// The rest of the session has no destructor that matters; its two parts that have one are handed
// on.
NodePool::Idle NodePool::End(std::unique_ptr<ParkedSession> parked) {
  MarkEnding(*parked->connection);
  return Idle{std::move(parked->connection), std::move(parked->lease)};
}

NodePool::Idle NodePool::EndOldestWarm() {
  Idle idle{std::move(warm_.front().connection), {}};
  warm_.pop_front();
  MarkEnding(*idle.connection);
  return idle;
}

// --- for logins

std::unique_ptr<ParkedSession> NodePool::TakeParked(ClusterId cluster, const CanonicalUser& user,
                                                    uint32_t sessions_max) {
  const ParkedSessions::Key key = KeyOf(cluster, user);
  std::unique_ptr<ParkedSession> session;
  {
    const std::lock_guard lock(mutex_);
    session = parked_.Take(key);
    CheckInvariants();
  }
  // The lease has a lock of its own: the two are never held together.
  if (session != nullptr) session->lease.Unpark(sessions_max);
  return session;
}

std::vector<CanonicalUser> NodePool::ParkedUsers(ClusterId cluster) const {
  const std::lock_guard lock(mutex_);
  return parked_.UsersOf(cluster);
}

bool NodePool::TakeOrWait(Waiter& waiter, Idle* evicted) {
  assert(!waiter.queued_ && waiter.grant.kind == Grant::Kind::kNone);
  assert(!waiter.grant.connection && !waiter.grant.slot);
  assert(!evicted->connection && !evicted->lease);
  std::shared_ptr<const std::function<void()>> on_demand;
  bool granted = true;
  {
    const std::lock_guard lock(mutex_);
    ++demand_;
    // By the invariant nothing is to be had while others wait: nobody jumps the queue.
    if (!warm_.empty()) {
      waiter.grant.kind = Grant::Kind::kWarm;
      waiter.grant.connection = std::move(warm_.front().connection);
      warm_.pop_front();
    } else if (HasFreeSlot()) {
      waiter.grant.kind = Grant::Kind::kSlot;
      waiter.grant.slot = NewSlot();
    } else {
      granted = false;
      waiter.queued_ = true;
      queue_.PushBack(waiter);
      if (ending_ < SlotsOwed() && !parked_.empty()) *evicted = End(parked_.TakeOldest());
    }
    if (warm_.empty()) on_demand = DemandToTell();
    CheckInvariants();
  }
  if (on_demand != nullptr) TellDemand(*on_demand);
  return granted;
}

void NodePool::OnLoginDone() {
  std::shared_ptr<const std::function<void()>> on_demand;
  {
    const std::lock_guard lock(mutex_);
    if (demand_ > 0) on_demand = DemandToTell();
  }
  if (on_demand != nullptr) TellDemand(*on_demand);
}

bool NodePool::Withdraw(Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  if (!waiter.queued_) return false;
  queue_.Remove(waiter);
  waiter.queued_ = false;
  return true;
}

// --- for sessions that end

bool NodePool::MayPark(const ParkedSession& session, Moment now) const {
  return open_ && queue_.empty() && !OverSize() && limits_.parked > 0 &&
         limits_.max_snapshot_age > Duration::zero() &&
         !session.TooOld(limits_.max_snapshot_age, now);
}

std::vector<NodePool::Idle> NodePool::Park(ClusterId cluster, const CanonicalUser& user,
                                           std::unique_ptr<ParkedSession> session, Moment now) {
  // Before the pool's lock: see TakeParked.
  if (session->lease) session->lease.Park();
  ParkedSessions::Key key = KeyOf(cluster, user);
  std::vector<Idle> ended;
  const std::lock_guard lock(mutex_);
  if (!MayPark(*session, now)) {
    ended.push_back(End(std::move(session)));
    return ended;
  }
  std::unique_ptr<ParkedSession> older = parked_.Insert(std::move(key), std::move(session));
  if (older != nullptr) ended.push_back(End(std::move(older)));
  if (parked_.size() > limits_.parked) ended.push_back(End(parked_.TakeOldest()));
  CheckInvariants();
  return ended;
}

// --- for the node's keeper

std::optional<Slot> NodePool::SlotForWarm() {
  const std::lock_guard lock(mutex_);
  if (!open_ || !queue_.empty() || !HasFreeSlot()) return std::nullopt;
  return NewSlot();
}

std::unique_ptr<PooledConnection> NodePool::AddWarm(std::unique_ptr<PooledConnection> connection,
                                                    Moment expires) {
  Queue granted;
  {
    const std::lock_guard lock(mutex_);
    assert(connection->slot.pool_ == this && !connection->slot.ending_);
    if (!queue_.empty()) {
      Waiter& first = queue_.PopFront();
      first.queued_ = false;
      first.grant.kind = Grant::Kind::kWarm;
      first.grant.connection = std::move(connection);
      granted.PushBack(first);
    } else if (open_ && !OverSize() && warm_.size() < limits_.warm) {
      warm_.push_back(Warm{std::move(connection), expires});
    } else {
      MarkEnding(*connection);
    }
    CheckInvariants();
  }
  Tell(granted);
  return connection;
}

std::vector<NodePool::Idle> NodePool::TakeExpired(Moment now) {
  std::vector<Idle> ended;
  const std::lock_guard lock(mutex_);
  for (Warm& warm : warm_) {
    if (now < warm.expires) continue;
    MarkEnding(*warm.connection);
    ended.push_back(Idle{std::move(warm.connection), {}});
  }
  std::erase_if(warm_, [](const Warm& warm) { return warm.connection == nullptr; });
  while (!parked_.empty() && (parked_.Oldest().TooOld(limits_.max_snapshot_age, now) ||
                              parked_.size() > limits_.parked || ending_ < SlotsOwed())) {
    ended.push_back(End(parked_.TakeOldest()));
  }
  while (warm_.size() > limits_.warm || (!warm_.empty() && ending_ < SlotsOwed())) {
    ended.push_back(EndOldestWarm());
  }
  sweep_due_ = false;
  CheckInvariants();
  return ended;
}

std::vector<NodePool::Idle> NodePool::TakeAllIdle() {
  std::vector<Idle> ended;
  const std::lock_guard lock(mutex_);
  while (!parked_.empty()) ended.push_back(End(parked_.TakeOldest()));
  while (!warm_.empty()) ended.push_back(EndOldestWarm());
  CheckInvariants();
  return ended;
}

std::vector<NodePool::Idle> NodePool::TakeSurplusWarm(uint32_t keep) {
  std::vector<Idle> ended;
  const std::lock_guard lock(mutex_);
  while (warm_.size() > keep) ended.push_back(EndOldestWarm());
  CheckInvariants();
  return ended;
}

void NodePool::SetOpen(bool open) {
  const std::lock_guard lock(mutex_);
  open_ = open;
}

uint64_t NodePool::TakeDemand() {
  const std::lock_guard lock(mutex_);
  demand_told_ = false;
  return std::exchange(demand_, 0);
}

void NodePool::set_on_demand(std::function<void()> on_demand) {
  std::shared_ptr<const std::function<void()>> next;
  if (on_demand) next = std::make_shared<const std::function<void()>>(std::move(on_demand));
  std::unique_lock lock(mutex_);
  on_demand_.swap(next);
  on_demand_idle_.wait(lock, [this] { return on_demand_calls_ == 0; });
  lock.unlock();  // before the earlier one's captures go
}

std::shared_ptr<const std::function<void()>> NodePool::DemandToTell() {
  if (demand_told_ || on_demand_ == nullptr || limits_.warm == 0) return nullptr;
  demand_told_ = true;
  ++on_demand_calls_;
  return on_demand_;
}

void NodePool::TellDemand(const std::function<void()>& on_demand) {
  on_demand();
  const std::lock_guard lock(mutex_);
  // Under the lock: once it is free the pool may go.
  if (--on_demand_calls_ == 0) on_demand_idle_.notify_all();
}

// --- limits and figures

void NodePool::SetLimits(const PoolLimits& limits) {
  Queue granted;
  {
    const std::lock_guard lock(mutex_);
    limits_ = limits;
    sweep_due_ = true;
    granted = GrantFreeSlots();
    CheckInvariants();
  }
  Tell(granted);
}

void NodePool::SetTakenElsewhere(uint32_t slots) {
  Queue granted;
  {
    const std::lock_guard lock(mutex_);
    // What nobody can have taken is a lie.
    taken_elsewhere_ = std::min(slots, limits_.size);
    sweep_due_ = true;
    granted = GrantFreeSlots();
    CheckInvariants();
  }
  Tell(granted);
}

PoolLimits NodePool::limits() const {
  const std::lock_guard lock(mutex_);
  return limits_;
}

NodePool::Counts NodePool::counts() const {
  const std::lock_guard lock(mutex_);
  return Counts{in_use_, static_cast<uint32_t>(warm_.size()), static_cast<uint32_t>(parked_.size()),
                queue_.size(), taken_elsewhere_};
}

}  // namespace poplar::balancer
