#include "proxy/trace/tapping.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace poplar::trace {

bool Tapping::Has(const Sink& sink) const {
  return active() &&
         std::any_of(around_->taps().begin(), around_->taps().end(),
                     [&sink](const std::unique_ptr<Tap>& tap) { return tap->IsFor(sink); });
}

void Tapping::Add(std::unique_ptr<io::Stream>& stream, TracedStream::Peer peer, Taps taps) {
  if (taps.empty()) return;
  if (!active()) {
    auto around = std::make_unique<TracedStream>(std::move(stream), peer);
    around_ = around.get();
    stream = std::move(around);
  }
  std::move(taps.begin(), taps.end(), std::back_inserter(around_->taps()));
}

Taps Tapping::Remove(std::unique_ptr<io::Stream>& stream) {
  if (!active()) return {};
  Taps taps = std::move(around_->taps());
  std::unique_ptr<io::Stream> inner = around_->TakeInner();
  around_ = nullptr;
  stream = std::move(inner);
  return taps;
}

void Tapping::Note(std::string_view text) {
  if (!active()) return;
  for (const auto& tap : around_->taps()) tap->Note(text);
}

void Tapping::DropAllBut(const Sinks& sinks) {
  if (!active()) return;
  std::erase_if(around_->taps(), [&sinks](const std::unique_ptr<Tap>& tap) {
    return std::none_of(sinks.begin(), sinks.end(),
                        [&tap](const auto& sink) { return tap->IsFor(*sink); });
  });
}

}  // namespace poplar::trace
