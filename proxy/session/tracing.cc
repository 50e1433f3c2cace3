#include "proxy/session/tracing.h"

#include <algorithm>
#include <utility>

namespace poplar::session {

trace::Sinks Tracing::All() const {
  trace::Sinks all = client_;
  for (const trace::Sinks* sinks : {&user_, &node_}) {
    for (const auto& sink : *sinks) {
      if (std::find(all.begin(), all.end(), sink) == all.end()) all.push_back(sink);
    }
  }
  return all;
}

trace::Taps Tracing::ClientTaps(const trace::Tapping& has, trace::Tap::Start start) const {
  trace::Taps taps;
  for (auto& sink : All()) {
    if (!has.Has(*sink))
      taps.push_back(std::make_unique<trace::Tap>(std::move(sink), session_, "client", start));
  }
  return taps;
}

trace::Taps Tracing::NodeTaps(const std::string& node, trace::Tap::Start start) {
  node_ = rules_->OfNode(node);
  trace::Taps taps;
  for (auto& sink : All())
    taps.push_back(std::make_unique<trace::Tap>(std::move(sink), session_, node, start));
  return taps;
}

}  // namespace poplar::session
