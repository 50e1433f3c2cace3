#include "proxy/upstream/offered_capabilities.h"

#include <algorithm>

namespace poplar::upstream {

OfferedCapabilities::OfferedCapabilities() : common_(std::make_shared<const Common>()) {}

bool OfferedCapabilities::Learn(balancer::NodeId node, const pop3::Capabilities& capabilities) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(known_.begin(), known_.end(),
                                  [node](const auto& entry) { return entry.first == node; });
  if (found == known_.end()) {
    known_.emplace_back(node, capabilities);
  } else {
    if (found->second == capabilities) return false;
    found->second = capabilities;
  }

  pop3::Capabilities shared = known_.front().second;
  for (const auto& entry : known_) shared = pop3::Common(shared, entry.second);
  shared = pop3::Common(shared, shared);  // without status line and terminator
  if (common_->known && shared == common_->capabilities) return false;
  const bool pipelining = shared.Has("PIPELINING");
  common_ = std::make_shared<const Common>(Common{true, std::move(shared), pipelining});
  return true;
}

std::shared_ptr<const OfferedCapabilities::Common> OfferedCapabilities::common() const {
  const std::lock_guard lock(mutex_);
  return common_;
}

}  // namespace poplar::upstream
