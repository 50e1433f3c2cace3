#include "proxy/config/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <span>

#include "proxy/config/quote.h"

namespace poplar::config {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

// Largest first: Format takes the first that divides.
constexpr std::array<Unit, 4> kDurationUnits = {
    {{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 4> kSizeUnits = {
    {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}};

struct Spelling {
  std::string_view written;
  std::string_view meant;
};

// What people write by habit. It is not accepted, because one unit should have one name; it is
// understood.
constexpr Spelling kSpellings[] = {
    {"sec", "s"},  {"secs", "s"},  {"second", "s"}, {"seconds", "s"}, {"S", "s"},
    {"min", "m"},  {"mins", "m"},  {"minute", "m"}, {"minutes", "m"}, {"M", "m"},
    {"hour", "h"}, {"hours", "h"}, {"H", "h"},      {"msec", "ms"},   {"kB", "KiB"},
    {"KB", "KiB"}, {"K", "KiB"},   {"k", "KiB"},    {"MB", "MiB"},    {"M", "MiB"},
    {"GB", "GiB"}, {"G", "GiB"},   {"b", "B"},
};

std::string SuggestUnit(std::string_view number, std::string_view unit,
                        std::span<const Unit> units) {
  for (const Spelling& spelling : kSpellings) {
    if (spelling.written != unit) continue;
    for (const Unit& known : units) {
      if (known.name == spelling.meant) return std::string(number).append(known.name);
    }
  }
  return {};
}

std::string Format(uint64_t value, std::span<const Unit> units, std::string_view zero) {
  if (value == 0) return std::string(zero);
  for (const Unit& unit : units) {
    if (value % unit.factor == 0) return std::to_string(value / unit.factor).append(unit.name);
  }
  return {};
}

tl::expected<uint64_t, UnitError> Parse(std::string_view text, std::span<const Unit> units,
                                        uint64_t most, std::string_view bare_unit) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view number = text.substr(0, digits);
  if (number.empty())
    return tl::make_unexpected(UnitError{Quote(text) + " does not start with a whole number", {}});
  uint64_t count = 0;
  if (std::from_chars(number.data(), number.data() + number.size(), count).ec != std::errc()) {
    return tl::make_unexpected(UnitError{Quote(text) + " is too large", {}});
  }
  const size_t unit_start = text.find_first_not_of(' ', digits);
  if (unit_start == std::string_view::npos) {
    return tl::make_unexpected(
        UnitError{Quote(text) + " has no unit", std::string(number).append(bare_unit)});
  }
  const std::string_view unit = text.substr(unit_start);
  for (const Unit& known : units) {
    if (known.name != unit) continue;
    if (unit_start != digits) {
      return tl::make_unexpected(UnitError{Quote(text) + " has a space before its unit",
                                           std::string(number).append(unit)});
    }
    if (count > most / known.factor)
      return tl::make_unexpected(UnitError{Quote(text) + " is too large", {}});
    return count * known.factor;
  }
  if (unit.front() == '.' || unit.front() == ',') {
    return tl::make_unexpected(UnitError{Quote(text) + " is not a whole number and a unit", {}});
  }
  return tl::make_unexpected(
      UnitError{"unknown unit " + Quote(unit), SuggestUnit(number, unit, units)});
}

}  // namespace

tl::expected<Duration, UnitError> ParseDuration(std::string_view text) {
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  return Parse(text, kDurationUnits, kMost, "s").map([](uint64_t ms) {
    return Duration(static_cast<int64_t>(ms));
  });
}

tl::expected<Size, UnitError> ParseSize(std::string_view text) {
  return Parse(text, kSizeUnits, std::numeric_limits<uint64_t>::max(), "B").map([](uint64_t bytes) {
    return Size{bytes};
  });
}

tl::expected<Percent, UnitError> ParsePercent(std::string_view text) {
  constexpr int kAll = 100;
  const std::string_view written = text;
  const bool has_sign = text.ends_with('%');
  if (has_sign) text.remove_suffix(1);
  int whole = 0;
  int tenths = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  auto [at, error] = std::from_chars(begin, end, whole);
  bool is_number = error == std::errc() && !text.starts_with('-');
  if (is_number && at != end) {
    is_number = *at == '.' && end - at == 2 && at[1] >= '0' && at[1] <= '9';
    if (is_number) tenths = at[1] - '0';
  }
  if (!is_number) return tl::make_unexpected(UnitError{Quote(written) + " is no percentage", {}});
  if (has_sign)
    return tl::make_unexpected(UnitError{Quote(written) + " has a sign", std::string(text)});
  if (whole > kAll || (whole == kAll && tenths > 0))
    return tl::make_unexpected(UnitError{Quote(written) + " is out of bounds", {}});
  return Percent{whole * 10 + tenths};
}

std::string FormatDuration(Duration duration) {
  return Format(static_cast<uint64_t>(duration.count()), kDurationUnits, "0s");
}

std::string FormatSize(Size size) { return Format(size.bytes, kSizeUnits, "0B"); }

std::string FormatPercent(Percent percent) {
  std::string text = std::to_string(percent.permille / 10);
  if (percent.permille % 10 != 0) text.append(".").append(std::to_string(percent.permille % 10));
  return text;
}

}  // namespace poplar::config
