#include "proxy/upstream/keeper.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <thread>
#include <utility>

#include "proxy/upstream/jitter.h"

namespace poplar::upstream {
namespace {

using Idle = balancer::NodePool::Idle;

io::Task<void> RetireOne(io::Proactor& proactor, Idle idle) {
  if (idle.connection == nullptr) co_return;
  // Pools of nodes hold nothing else.
  auto* connection = static_cast<Connection*>(idle.connection.get());
  connection->Attach(proactor);
  co_await connection->Retire();
  // In this order: while the node may still hold the session, its user belongs there.
  idle.connection.reset();
  idle.lease.Release();
}

}  // namespace

void RetireInBackground(io::Proactor& proactor, io::TaskScope& scope, Idle idle) {
  if (idle.connection == nullptr) return;
  scope.Spawn(RetireOne(proactor, std::move(idle)));
}

Keeper::Keeper(io::Proactor& proactor, io::TaskScope& scope, Cluster& cluster, Node& node,
               Observer& observer)
    : proactor_(proactor),
      scope_(scope),
      cluster_(cluster),
      node_(node),
      observer_(observer),
      alarm_(proactor),
      target_updated_(proactor.Now()),
      next_sweep_(proactor.Now()),
      opens_from_(proactor.Now()),
      endpoint_(node.endpoint()) {}

void Keeper::Stop() {
  stopped_ = true;
  alarm_.Ring();
}

io::Task<void> Keeper::Run() {
  Listen();
  while (!stopped_) {
    const io::Time now = proactor_.Now();
    if (now >= next_sweep_) Sweep(now);
    LookAtDemand(now);  // whatever rang
    Refill(now);
    io::Time next = next_sweep_;
    if (opens_from_ > now) next = std::min(next, opens_from_);
    if (demand_ > 0) next = std::min(next, target_updated_ + kPause);
    co_await alarm_.Until(next);
  }
  HangUp();
  SetServing(false, proactor_.Now());
  // What is being opened may still be greeted, so that it can leave with QUIT as well.
  const io::Time patience = proactor_.Now() + kStopPatience;
  while (!opening_.empty() || ending_ > 0) {
    const io::Time now = proactor_.Now();
    if (now >= patience) {
      for (Connection* connection : opening_) connection->Abort();
    }
    co_await alarm_.Until(now < patience ? patience : now + kTick);
  }
}

void Keeper::Listen() {
  line_ = std::make_shared<Line>(Line{this});
  const auto ring = [line = line_] {
    if (line->keeper != nullptr) line->keeper->alarm_.Ring();
  };
  node_.pool.set_on_demand([ring, proactor = &proactor_, own = std::this_thread::get_id()] {
    if (std::this_thread::get_id() == own) return ring();
    proactor->PostFromAnyThread(ring);
  });
}

void Keeper::HangUp() {
  node_.pool.set_on_demand(nullptr);
  line_->keeper = nullptr;
}

void Keeper::Sweep(io::Time now) {
  next_sweep_ = now + Jittered(proactor_.random(), kTick);
  Tell(cluster_.health.OnTime(node_.id, now.time_since_epoch()));
  SetServing(cluster_.health.InService(node_.id, now.time_since_epoch()), now);
  FollowAddress();
  for (Idle& idle : node_.pool.TakeExpired(now.time_since_epoch()))
    End(std::move(idle), ParkedEnd::kExpired);
}

void Keeper::SetServing(bool serving, io::Time now) {
  if (serving_ == serving) return;
  serving_ = serving;
  node_.pool.SetOpen(serving);
  if (serving) {
    // Every keeper of every Poplar sees the node come back at about the same time.
    opens_from_ = now + Between(proactor_.random(), io::Duration(0), kTick);
  } else {
    for (Idle& idle : node_.pool.TakeAllIdle()) End(std::move(idle), ParkedEnd::kDrained);
  }
}

// Logins leave alone what leads to where the node was before.
void Keeper::FollowAddress() {
  auto endpoint = node_.endpoint();
  if (endpoint == endpoint_) return;
  endpoint_ = std::move(endpoint);
  for (Idle& idle : node_.pool.TakeAllIdle()) End(std::move(idle), ParkedEnd::kDrained);
}

void Keeper::LookAtDemand(io::Time now) {
  // Taking it is also what lets the pool tell of demand again.
  demand_ += node_.pool.TakeDemand();
  if (now < target_updated_ + kPause) return;
  wanted_ =
      target_.Update(std::exchange(demand_, 0), now - target_updated_, node_.pool.limits().warm);
  target_updated_ = now;
}

void Keeper::Refill(io::Time now) {
  if (serving_ != true || now < opens_from_) return;
  while (opening_.size() < size_t{kOpeningMax} &&
         node_.pool.counts().warm + opening_.size() < wanted_) {
    // Not by the last sweep: the node may have left, and its seat be free, since.
    if (!cluster_.health.InService(node_.id, now.time_since_epoch())) return;
    std::optional<balancer::Slot> slot = node_.pool.SlotForWarm();
    if (!slot) return;
    auto connection = std::make_unique<Connection>(proactor_, node_.endpoint());
    connection->slot = std::move(*slot);
    opening_.push_back(connection.get());
    scope_.Spawn(OpenWarm(std::move(connection)));
  }
}

io::Task<void> Keeper::OpenWarm(std::unique_ptr<Connection> connection) {
  const io::Time begun = proactor_.Now();
  NodeError error = co_await connection->Open();
  const io::Duration took = proactor_.Now() - begun;
  if (error.failure == NodeFailure::kNone && !connection->Detach()) {
    error = {NodeFailure::kProtocol, "more than a greeting"};
    co_await connection->Retire();
  }
  std::erase(opening_, connection.get());
  if (error.failure == NodeFailure::kNone) {
    Keep(std::move(connection), took);
  } else {
    connection.reset();
    OnOpenFailed(error, took);
  }
  alarm_.Ring();
}

void Keeper::Keep(std::unique_ptr<Connection> connection, io::Duration took) {
  observer_.WarmOpened(node_.id, NodeFailure::kNone, took);
  // Spread, or what was opened in one burst would be renewed in one.
  const io::Duration most = node_.pool.limits().warm_max_age;
  const io::Time expires =
      connection->opened() + Between(proactor_.random(), most - most / 5, most);
  Idle refused;
  if (connection->LeadsTo(node_.endpoint())) {
    refused.connection = node_.pool.AddWarm(std::move(connection), expires.time_since_epoch());
  } else {
    refused.connection = std::move(connection);
  }
  End(std::move(refused), ParkedEnd::kDrained);
}

void Keeper::OnOpenFailed(const NodeError& error, io::Duration took) {
  if (error.failure == NodeFailure::kCancelled) return;
  opens_from_ = next_sweep_;
  observer_.WarmOpened(node_.id, error.failure, took);
  if (error.failure == NodeFailure::kNoDescriptor) return;  // our own trouble
  std::string detail(Name(error.failure));
  if (!error.detail.empty()) detail += " (" + error.detail + ")";
  Tell(cluster_.health.OnEvidence(node_.id, balancer::Evidence::kUnreachable, detail,
                                  proactor_.Now().time_since_epoch()));
}

void Keeper::End(Idle idle, ParkedEnd why) {
  if (idle.connection == nullptr) return;
  if (idle.lease) observer_.ParkedEnded(node_.id, why);
  ++ending_;
  scope_.Spawn(EndAndCount(std::move(idle)));
}

io::Task<void> Keeper::EndAndCount(Idle idle) {
  co_await RetireOne(proactor_, std::move(idle));
  --ending_;
  alarm_.Ring();
}

void Keeper::Tell(const std::optional<balancer::Transition>& transition) {
  if (transition) observer_.NodeChanged(*transition);
}

}  // namespace poplar::upstream
