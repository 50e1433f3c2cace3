#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "metrics/move_view.h"

namespace poplar::metrics {

// One JSON object, with a list of the moves.
std::string MovesAsJson(std::span<const MoveView> moves);

// For a terminal: a line for each.
std::string MovesAsTable(std::span<const MoveView> moves);

// "2.5" and back; nothing: it is no number from 0 to 100 with one digit behind the point at most.
std::string PercentText(uint32_t permille);
std::optional<uint32_t> ParsePercent(std::string_view text);

}  // namespace poplar::metrics
