#pragma once

#include "proxy/config/config.h"
#include "proxy/config/findings.h"

namespace poplar::config {

// The part of CheckMeaning about pools, health and who may serve whom. Judges what is in effect at
// a cluster or node, and blames the setting nearest to it.
void CheckBalancing(const Config& config, Findings& findings);

}  // namespace poplar::config
