#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace poplar::trace {

// Where a trace's lines go. Any thread; never waits.
class Sink {
 public:
  virtual ~Sink() = default;
  // `side`: who is at the other end of what was said, "client" or a node's name. `text`: printable,
  // without a line end and without secrets.
  virtual void Line(uint64_t session, std::string_view side, std::string_view text) = 0;
};

using Sinks = std::vector<std::shared_ptr<Sink>>;

}  // namespace poplar::trace
