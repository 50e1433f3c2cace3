#pragma once

#include <memory>
#include <string_view>

#include "proxy/io/stream.h"
#include "proxy/trace/traced_stream.h"

namespace poplar::trace {

// The taps on one end's stream, which is in a TracedStream only while there are any. Beside the
// stream that it is always given.
class Tapping {
 public:
  bool active() const { return around_ != nullptr; }
  bool Has(const Sink& sink) const;
  // Not while the stream is in use, unless it is active.
  void Add(std::unique_ptr<io::Stream>& stream, TracedStream::Peer peer, Taps taps);
  // Not while the stream is in use: from here on it is what it was. The taps may be added to
  // another.
  Taps Remove(std::unique_ptr<io::Stream>& stream);
  void Note(std::string_view text);
  // At any time.
  void DropAllBut(const Sinks& sinks);

 private:
  TracedStream* around_ = nullptr;
};

}  // namespace poplar::trace
