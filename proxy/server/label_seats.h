#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace poplar::server {

// Which name has which value of a metric's label, where names come and go with the configuration
// but the number of values is fixed at start (metrics::SeatKind). A name keeps its own for the
// process's life, so that no series is ever another's. One thread at a time.
class LabelSeats {
 public:
  explicit LabelSeats(size_t seats) : seats_(seats) {}

  // Nothing: none is left.
  std::optional<size_t> Of(const std::string& name) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found != names_.end()) return static_cast<size_t>(found - names_.begin());
    if (names_.size() == seats_) return std::nullopt;
    names_.push_back(name);
    return names_.size() - 1;
  }
  size_t size() const { return seats_; }

 private:
  size_t seats_;
  std::vector<std::string> names_;
};

}  // namespace poplar::server
