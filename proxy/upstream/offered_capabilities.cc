#include "proxy/upstream/offered_capabilities.h"

#include <algorithm>

#include "proxy/pop3/login_way.h"

namespace poplar::upstream {
namespace {

// As far as clients can see.
bool SamePromise(const OfferedCapabilities::Replies& a, const OfferedCapabilities::Replies& b) {
  return a.secure == b.secure && a.clear == b.clear && a.mechanisms == b.mechanisms;
}

}  // namespace

OfferedCapabilities::OfferedCapabilities() : replies_(std::make_shared<const Replies>(Compute())) {}

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
  Replies replies = Compute();
  const bool changed = !SamePromise(replies, *replies_);
  replies_ = std::make_shared<const Replies>(std::move(replies));
  return changed;
}

OfferedCapabilities::Replies OfferedCapabilities::Compute() const {
  Replies replies;
  replies.known = !known_.empty();
  if (replies.known) replies.common = *known_.front().second;
  for (const Known& entry : known_) replies.common = pop3::Common(replies.common, *entry.second);
  for (size_t i = 0; i < pop3::kMechanismCount; ++i) {
    const auto mechanism = static_cast<pop3::Mechanism>(i);
    const auto serves = [mechanism](const Known& entry) {
      return pop3::CanServe(mechanism, *entry.second);
    };
    replies.mechanisms[i] = replies.known ? std::all_of(known_.begin(), known_.end(), serves)
                                          : pop3::CanServe(mechanism, pop3::Capabilities());
  }
  if (!replies.known) {
    replies.secure = pop3::RenderBeforeLogin(true);
    replies.clear = pop3::RenderBeforeLogin(false);
    return replies;
  }
  replies.secure = pop3::RenderBeforeLogin(true, replies.common);
  replies.clear = pop3::RenderBeforeLogin(false, replies.common);
  replies.pipelining = replies.common.Has("PIPELINING");
  return replies;
}

std::shared_ptr<const OfferedCapabilities::Replies> OfferedCapabilities::replies() const {
  const std::lock_guard lock(mutex_);
  return replies_;
}

std::shared_ptr<const pop3::Capabilities> OfferedCapabilities::Of(balancer::NodeId node) const {
  const std::lock_guard lock(mutex_);
  for (const Known& entry : known_) {
    if (entry.first == node) return entry.second;
  }
  return nullptr;
}

}  // namespace poplar::upstream
