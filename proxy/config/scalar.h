#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/field.h"
#include "proxy/config/field_text.h"
#include "proxy/config/quote.h"
#include "proxy/config/units.h"

// Settings of a single value, whatever their type, as the texts that YAML has for them.
namespace poplar::config {

// A single value: as YAML writes it, and what it may be.
struct Scalar {
  std::string_view name;
  std::string yaml;
  std::string form;
  const About& about;
};

// A text as the file has it, where ${ would begin a reference.
inline std::string YamlText(std::string_view value) {
  std::string text(value);
  for (size_t at = text.find("${"); at != std::string::npos; at = text.find("${", at + 3))
    text.insert(at, "$");
  return QuoteYaml(text);
}

// [one, "t, wo"], on one line whatever its length.
inline std::string YamlFlow(const std::vector<std::string>& values) {
  std::string yaml = "[";
  for (const std::string& value : values) {
    if (yaml.size() > 1) yaml += ", ";
    yaml += YamlText(value);
  }
  return yaml + "]";
}

// Visitor base that reduces every single value to a Scalar for Derived::Put.
template <class Derived>
class ScalarVisitor {
 public:
  void Text(std::string_view name, std::string& value, const About& about) {
    Put({name, YamlText(value), "Text", about});
  }
  void Path(std::string_view name, std::string& value, const About& about) {
    Put({name, YamlText(value), "A file's path, relative to this file's folder", about});
  }
  void Texts(std::string_view name, std::vector<std::string>& values, const About& about) {
    Put({name, YamlFlow(values), std::string(kTextsForm), about});
  }
  void Flag(std::string_view name, bool& value, const About& about) {
    Put({name, value ? "yes" : "no", std::string(kFlagForm), about});
  }
  void Integer(std::string_view name, int& value, const Bounds<int>& bounds, const About& about) {
    Put({name, std::to_string(value), DescribeBounds(bounds), about});
  }
  void Time(std::string_view name, Duration& value, const Bounds<Duration>& bounds,
            const About& about) {
    Put({name, FormatDuration(value), DescribeBounds(bounds), about});
  }
  void Bytes(std::string_view name, Size& value, const Bounds<Size>& bounds, const About& about) {
    Put({name, FormatSize(value), DescribeBounds(bounds), about});
  }
  void Percentage(std::string_view name, Percent& value, const About& about) {
    Put({name, FormatPercent(value), std::string(kPercentForm), about});
  }
  template <class Enum, size_t kCount>
  void Choice(std::string_view name, Enum& value, const ChoiceName<Enum> (&names)[kCount],
              const About& about) {
    std::string_view words[kCount];
    std::string_view chosen;
    for (size_t i = 0; i < kCount; ++i) {
      words[i] = names[i].name;
      if (names[i].value == value) chosen = names[i].name;
    }
    // Other readers of YAML would take 1.2 for a number and off for a no.
    const bool looks_otherwise =
        !chosen.empty() && ((chosen.front() >= '0' && chosen.front() <= '9') || chosen == "off");
    Put({name, looks_otherwise ? QuoteYaml(chosen) : std::string(chosen), DescribeChoice(words),
         about});
  }

 private:
  friend Derived;
  ScalarVisitor() = default;

  void Put(const Scalar& scalar) { static_cast<Derived*>(this)->Put(scalar); }
};

}  // namespace poplar::config
