#pragma once

#include <string>
#include <vector>

namespace poplar::metrics {

// What has become of a reload.
struct ReloadView {
  struct Change {
    std::string setting;  // "pool.size"
    std::string from;     // as the file writes it; empty: it is new
    std::string to;       // likewise; empty: it is gone
    bool live = true;     // else it waits for the next start
  };

  bool applied = false;  // else all is as it was
  std::vector<Change> changes;
  std::string report;  // for people: what was changed, or each problem with its place
};

std::string ReloadAsJson(const ReloadView& reload);

}  // namespace poplar::metrics
