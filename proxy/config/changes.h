#pragma once

#include <span>
#include <string>
#include <vector>

#include "proxy/config/config.h"
#include "proxy/config/positions.h"

namespace poplar::config {

// One setting that is another than before.
struct Change {
  std::string path;  // "clusters[main].nodes[mail-1].weight"; items without a name by their number
  std::string from;  // as YAML writes it; "***": it isn't to be shown; empty: the item is new
  std::string to;    // likewise; empty: the item is gone
  bool live = true;  // else it waits for the next start

  friend bool operator==(const Change&, const Change&) = default;
};

struct Changes {
  std::vector<Change> all;  // in the order of the descriptions
  // What runs after a reload: the new configuration, with the old values of what isn't live. It has
  // to be checked again: the two may not fit.
  Config applied;
};

// A configuration, where in its file its settings stand, and what of their values nobody may print.
struct PlacedConfig {
  const Config& config;
  const Positions& positions;
  std::span<const std::string> secrets = {};
};

// What a reload of `wanted` means to a Poplar that runs with `running`.
Changes Compare(const PlacedConfig& running, const PlacedConfig& wanted);

// "pool.size: 20 -> 30"; "clusters[main].nodes[mail-4]: new".
std::string Text(const Change& change);

// The files that a running Poplar has to read anew when they change, by the settings' own word,
// each once.
std::vector<std::string> WatchedFiles(const Config& config);

}  // namespace poplar::config
