#pragma once

#include "proxy/config/config.h"
#include "proxy/config/findings.h"

namespace poplar::config {

// Where the state is that replicas share, and under which name.
void CheckSharedState(const Config& config, Findings& findings);

}  // namespace poplar::config
