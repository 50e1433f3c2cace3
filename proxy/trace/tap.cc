#include "proxy/trace/tap.h"

#include <utility>

namespace poplar::trace {

Tap::Tap(std::shared_ptr<Sink> sink, uint64_t session, std::string side, Start start)
    : sink_(std::move(sink)),
      session_(session),
      side_(std::move(side)),
      transcript_(start, [this](std::string_view line) { Write(line); }) {}

void Tap::Note(std::string_view text) {
  std::string note = "[";
  Write(note.append(text).append("]"));
}

}  // namespace poplar::trace
