#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "proxy/config/field.h"

// Durations and sizes as an operator writes them: a whole number and a unit, without a space; and
// percentages, without their sign.
namespace poplar::config {

struct UnitError {
  std::string message;     // what is wrong with the text
  std::string suggestion;  // what was probably meant; may be empty
};

inline constexpr std::string_view kDurationForm = "a duration such as 500ms, 15s, 10m or 1h";
inline constexpr std::string_view kSizeForm = "a size such as 512B, 64KiB, 256MiB or 1GiB";

inline constexpr std::string_view kPercentForm =
    "a percentage from 0 to 100, such as 30 or 2.5, with one digit behind the point at most";

tl::expected<Duration, UnitError> ParseDuration(std::string_view text);
tl::expected<Size, UnitError> ParseSize(std::string_view text);
tl::expected<Percent, UnitError> ParsePercent(std::string_view text);

// In the largest unit that is exact: 90000 ms is "90s". Reads back as the same value.
std::string FormatDuration(Duration duration);
std::string FormatSize(Size size);
std::string FormatPercent(Percent percent);

}  // namespace poplar::config
