#pragma once

#include "proxy/config/config.h"
#include "proxy/config/findings.h"

namespace poplar::config {

// What user names become, and which rules send users where.
void CheckRouting(const Config& config, Findings& findings);

}  // namespace poplar::config
