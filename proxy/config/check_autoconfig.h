#pragma once

#include <string>
#include <vector>

#include "proxy/config/config.h"
#include "proxy/config/findings.h"

namespace poplar::config {

// What clients that set themselves up are told. Called by CheckMeaning.
void CheckAutoconfig(const Config& config, Findings& findings);

// The same, as far as it depends on the host names in the certificates. Called by CheckFiles, once
// all of them could be read.
void CheckAutoconfigNames(const AutoconfigConfig& autoconfig,
                          const std::vector<std::string>& certificate_names, Findings& findings);

}  // namespace poplar::config
