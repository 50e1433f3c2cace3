#include "proxy/upstream/offered_capabilities.h"

#include <algorithm>

#include "proxy/pop3/login_way.h"

namespace poplar::upstream {

OfferedCapabilities::OfferedCapabilities() : common_(std::make_shared<const Common>()) {}

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
  if (common_->known && common.capabilities == common_->capabilities &&
      common.mechanisms == common_->mechanisms)
    return false;
  common_ = std::make_shared<const Common>(std::move(common));
  return true;
}

OfferedCapabilities::Common OfferedCapabilities::Compute() const {
  pop3::Capabilities shared = *known_.front().second;
  for (const Known& entry : known_) shared = pop3::Common(shared, *entry.second);
  shared = pop3::Common(shared, shared);  // without status line and terminator
  const bool pipelining = shared.Has("PIPELINING");
  Common common{true, std::move(shared), pipelining, {}};
  for (size_t i = 0; i < pop3::kMechanismCount; ++i) {
    const auto mechanism = static_cast<pop3::Mechanism>(i);
    const bool everywhere =
        std::all_of(known_.begin(), known_.end(), [mechanism](const Known& entry) {
          return pop3::CanServe(mechanism, *entry.second);
        });
    if (everywhere) common.mechanisms.Add(mechanism);
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

}  // namespace poplar::upstream
