#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/admission/login_penalty.h"

// How replicas tell each other of wrong passwords: by keyed digests of addresses and users alone.
namespace poplar::shared_state {

// "r 00c0ffee00c0ffee 0123456789abcdef;c 0000000000000000 0123456789abcdef".
std::string RenderNotes(std::span<const admission::PenaltyNote> notes);
// What makes no sense is left out.
std::vector<admission::PenaltyNote> ParseNotes(std::string_view text);

}  // namespace poplar::shared_state
