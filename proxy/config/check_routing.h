#pragma once

#include "proxy/config/config.h"
#include "proxy/config/findings.h"

namespace poplar::config {

// What user names become, which rules send users where, and which moves take them on.
void CheckRouting(const Config& config, Findings& findings);

}  // namespace poplar::config
