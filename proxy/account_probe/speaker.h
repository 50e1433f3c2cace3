#pragma once

#include <string_view>

#include "proxy/account_probe/account_steps.h"

namespace poplar::account_probe {

// By a server's first bytes, what speaks there instead of what was due: one of the kSpeaks... or
// kPlainPop3; kSpeaksOther for what isn't known, kNone for too little to say.
Fault WhatSpeaks(std::string_view first_bytes);

}  // namespace poplar::account_probe
