#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/pop3/transcript.h"
#include "proxy/trace/sink.h"

namespace poplar::trace {

// One trace's ear on one dialogue of a session: what it hears becomes lines of the trace. One
// thread.
class Tap {
 public:
  using Start = pop3::Transcript::Start;

  // `side`: see Sink::Line.
  Tap(std::shared_ptr<Sink> sink, uint64_t session, std::string side, Start start);
  ~Tap() { transcript_.End(); }
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  pop3::Transcript& transcript() { return transcript_; }
  // A remark of ours, in brackets.
  void Note(std::string_view text);
  bool IsFor(const Sink& sink) const { return sink_.get() == &sink; }

 private:
  void Write(std::string_view line) const { sink_->Line(session_, side_, line); }

  const std::shared_ptr<Sink> sink_;
  const uint64_t session_;
  const std::string side_;
  pop3::Transcript transcript_;
};

using Taps = std::vector<std::unique_ptr<Tap>>;

}  // namespace poplar::trace
