#include "proxy/upstream/offered_capabilities.h"

#include <algorithm>

namespace poplar::upstream {

OfferedCapabilities::OfferedCapabilities()
    : replies_(std::make_shared<const Replies>(
          Replies{pop3::RenderBeforeLogin(true), pop3::RenderBeforeLogin(false)})) {}

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
  Replies replies{pop3::RenderBeforeLogin(true, shared), pop3::RenderBeforeLogin(false, shared),
                  shared.Has("PIPELINING")};
  if (replies.secure == replies_->secure && replies.clear == replies_->clear) return false;
  replies_ = std::make_shared<const Replies>(std::move(replies));
  return true;
}

std::shared_ptr<const OfferedCapabilities::Replies> OfferedCapabilities::replies() const {
  const std::lock_guard lock(mutex_);
  return replies_;
}

}  // namespace poplar::upstream
