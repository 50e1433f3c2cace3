#pragma once

#include "proxy/config/config.h"
#include "proxy/config/findings.h"

namespace poplar::config {

// The part of CheckMeaning about who may connect, how fast, and who may delete.
void CheckAdmission(const Config& config, Findings& findings);

}  // namespace poplar::config
