#pragma once

#include <string>
#include <vector>

#include "proxy/config/field.h"
#include "proxy/config/findings.h"

namespace poplar::config {

// How names are looked up, in the section at `path`: its name_servers, ttl_min and ttl_max.
struct LookupSettings {
  const std::vector<std::string>& name_servers;
  Duration ttl_min;
  Duration ttl_max;
};

void CheckLookups(const LookupSettings& lookups, const std::string& path, Findings& findings);

}  // namespace poplar::config
