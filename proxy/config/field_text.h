#pragma once

#include <span>
#include <string>
#include <string_view>

#include "proxy/config/field.h"
#include "proxy/config/units.h"

// What a field accepts, in words: the same words in the reader's problems and in the printed
// reference.
namespace poplar::config {

inline constexpr std::string_view kFlagForm = "yes or no";
inline constexpr std::string_view kTextsForm = "a list of texts, such as [one, two]";
inline constexpr std::string_view kSwitchForm = "on, off, or keys with values, indented below it";

inline std::string DescribeBounds(Bounds<int> bounds) {
  return "a whole number from " + std::to_string(bounds.least) + " to " +
         std::to_string(bounds.most);
}

inline std::string DescribeBounds(const Bounds<Duration>& bounds) {
  return std::string(kDurationForm) + ", from " + FormatDuration(bounds.least) + " to " +
         FormatDuration(bounds.most);
}

inline std::string DescribeBounds(const Bounds<Size>& bounds) {
  return std::string(kSizeForm) + ", from " + FormatSize(bounds.least) + " to " +
         FormatSize(bounds.most);
}

inline std::string JoinWords(std::span<const std::string_view> words) {
  std::string joined;
  for (std::string_view word : words) {
    if (!joined.empty()) joined += ", ";
    joined += word;
  }
  return joined;
}

inline std::string DescribeChoice(std::span<const std::string_view> names) {
  return "one of " + JoinWords(names);
}

}  // namespace poplar::config
