#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/trace/sink.h"

namespace poplar::trace {

// Keeps its lines: "client: C: STAT".
class RecordingSink final : public Sink {
 public:
  void Line(uint64_t session, std::string_view side, std::string_view text) override {
    sessions.push_back(session);
    lines.push_back(std::string(side) + ": " + std::string(text));
  }

  std::vector<uint64_t> sessions;
  std::vector<std::string> lines;
};

}  // namespace poplar::trace
