#pragma once

#include "proxy/config/config.h"
#include "proxy/config/findings.h"

namespace poplar::config {

// Services that know where users are, as far as their settings tell.
void CheckDirectories(const Config& config, Findings& findings);

// Whether it is one header's line, "Name: value", that can be sent as it is.
bool IsHeaderLine(std::string_view text);

}  // namespace poplar::config
