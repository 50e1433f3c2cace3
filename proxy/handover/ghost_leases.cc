#include "proxy/handover/ghost_leases.h"

namespace poplar::handover {

namespace {

constexpr int kTriesMax = 3;

}  // namespace

using balancer::Affinity;
using balancer::CanonicalUser;

std::optional<std::string> GhostLeases::NodeOf(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = leases_.find(key);
  if (found == leases_.end()) return std::nullopt;
  return places_.name_of_node(found->second.node());
}

bool GhostLeases::Hold(const HeldUser& user) {
  const auto place = places_.find(user.cluster, user.node);
  if (!place) return false;
  auto lease =
      affinity_.Acquire(place->cluster, CanonicalUser::FromCanonical(user.user), place->node);
  (void)lease.Bind();  // nobody else is there yet
  const std::lock_guard lock(mutex_);
  leases_.insert_or_assign({user.cluster, user.user}, std::move(lease));
  return true;
}

void GhostLeases::Claim(const HeldUser& wanted, Answer answer) {
  Key key{wanted.cluster, wanted.user};
  if (auto node = NodeOf(key)) return answer(std::move(*node));
  const auto place = places_.find(wanted.cluster, wanted.node);
  if (!place) return answer({});
  auto claim = std::make_shared<Claiming>();
  claim->key = std::move(key);
  claim->cluster = place->cluster;
  claim->lease =
      affinity_.Acquire(place->cluster, CanonicalUser::FromCanonical(wanted.user), place->node);
  claim->answer = std::move(answer);
  Bind(std::move(claim));
}

// Again where logins of this process have moved the user meanwhile.
void GhostLeases::Bind(std::shared_ptr<Claiming> claim) {
  for (;;) {
    switch (claim->lease.Bind()) {
      case Affinity::BindResult::kBound:
        return Keep(*claim);
      case Affinity::BindResult::kMoved:
        break;
      case Affinity::BindResult::kUnclaimed: {
        // Our own successor may have the user where we know no node.
        if (++claim->tries > kTriesMax) return claim->answer({});
        const CanonicalUser user = CanonicalUser::FromCanonical(claim->key.second);
        const balancer::ClusterId cluster = claim->cluster;
        const balancer::NodeId node = claim->lease.node();
        return successor_.ClaimFor(cluster, user, node,
                                   [this, claim = std::move(claim)] { Bind(claim); });
      }
    }
  }
}

// A lease goes without our lock held: it has one of its own, under which others are told.
void GhostLeases::Keep(Claiming& claim) {
  const std::string node = places_.name_of_node(claim.lease.node());
  {
    const std::lock_guard lock(mutex_);
    if (!cleared_) leases_.try_emplace(claim.key, std::move(claim.lease));
  }
  claim.lease.Release();
  claim.answer(node);
}

void GhostLeases::Release(const std::string& cluster, const std::string& user) {
  Affinity::Lease lease;
  const std::lock_guard lock(mutex_);
  const auto found = leases_.find({cluster, user});
  if (found == leases_.end()) return;
  lease = std::move(found->second);
  leases_.erase(found);
}

void GhostLeases::Clear() {
  std::map<Key, Affinity::Lease> leases;
  const std::lock_guard lock(mutex_);
  cleared_ = true;
  leases.swap(leases_);
}

size_t GhostLeases::size() const {
  const std::lock_guard lock(mutex_);
  return leases_.size();
}

}  // namespace poplar::handover
