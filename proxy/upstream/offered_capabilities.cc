#include "proxy/upstream/offered_capabilities.h"

#include <algorithm>

#include "proxy/pop3/login_way.h"

namespace poplar::upstream {
namespace {

// As far as clients can see.
bool SamePromise(const OfferedCapabilities::Common& a, const OfferedCapabilities::Common& b) {
  return a.known == b.known && a.capabilities == b.capabilities && a.mechanisms == b.mechanisms;
}

}  // namespace

OfferedCapabilities::OfferedCapabilities() : common_(std::make_shared<const Common>(Compute())) {}

bool OfferedCapabilities::Learn(balancer::NodeId node, const pop3::Capabilities& capabilities) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(known_.begin(), known_.end(),
                                  [node](const Known& entry) { return entry.first == node; });
  if (found != known_.end() && *found->second == capabilities) return false;
  auto learned = std::make_shared<const pop3::Capabilities>(capabilities);
  if (found == known_.end()) {
    known_.emplace_back(node, std::move(learned));
  } else {
    found->second = std::move(learned);
  }
  Common common = Compute();
  if (SamePromise(common, *common_)) return false;
  common_ = std::make_shared<const Common>(std::move(common));
  return true;
}

void OfferedCapabilities::Forget(balancer::NodeId node) {
  const std::lock_guard lock(mutex_);
  const auto removed =
      std::erase_if(known_, [node](const Known& entry) { return entry.first == node; });
  if (removed > 0) common_ = std::make_shared<const Common>(Compute());
}

OfferedCapabilities::Common OfferedCapabilities::Compute() const {
  Common common;
  common.known = !known_.empty();
  if (common.known) {
    common.capabilities = *known_.front().second;
    for (const Known& entry : known_)
      common.capabilities = pop3::Common(common.capabilities, *entry.second);
    common.pipelining = common.capabilities.Has("PIPELINING");
  }
  for (size_t i = 0; i < pop3::kMechanismCount; ++i) {
    const auto mechanism = static_cast<pop3::Mechanism>(i);
    const auto serves = [mechanism](const Known& entry) {
      return pop3::CanServe(mechanism, *entry.second);
    };
    const bool all = common.known ? std::all_of(known_.begin(), known_.end(), serves)
                                  : pop3::CanServe(mechanism, pop3::Capabilities());
    if (all) common.mechanisms.Add(mechanism);
  }
  return common;
}

std::shared_ptr<const OfferedCapabilities::Common> OfferedCapabilities::common() const {
  const std::lock_guard lock(mutex_);
  return common_;
}

std::shared_ptr<const pop3::Capabilities> OfferedCapabilities::Of(balancer::NodeId node) const {
  const std::lock_guard lock(mutex_);
  for (const Known& entry : known_) {
    if (entry.first == node) return entry.second;
  }
  return nullptr;
}

std::shared_ptr<const OfferedCapabilities::Common> Intersection(
    const std::shared_ptr<const OfferedCapabilities::Common>& a,
    const std::shared_ptr<const OfferedCapabilities::Common>& b) {
  if (a == b || !b->known) return a;
  if (!a->known) return b;
  auto both = std::make_shared<OfferedCapabilities::Common>();
  both->known = true;
  both->capabilities = pop3::Common(a->capabilities, b->capabilities);
  both->pipelining = a->pipelining && b->pipelining;
  both->mechanisms = a->mechanisms & b->mechanisms;
  return both;
}

}  // namespace poplar::upstream
