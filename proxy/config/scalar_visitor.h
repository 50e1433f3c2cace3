#pragma once

#include <cctype>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/config/field.h"
#include "proxy/config/field_text.h"
#include "proxy/config/override.h"
#include "proxy/config/quote.h"
#include "proxy/config/units.h"

// What the printed reference and the manual page have in common.
namespace poplar::config {

// A single value: as YAML writes it, and what it may be.
struct Scalar {
  std::string_view name;
  std::string yaml;
  std::string form;
  const About& about;
};

// [one, "t, wo"], on one line whatever its length.
inline std::string FlowOf(const std::vector<std::string>& values) {
  std::string yaml = "[";
  for (const std::string& value : values) {
    if (yaml.size() > 1) yaml += ", ";
    yaml += QuoteYaml(value);
  }
  return yaml + "]";
}

// Visitor base that reduces every single value to a Scalar for Derived::Put.
template <class Derived>
class ScalarVisitor {
 public:
  void Text(std::string_view name, std::string& value, const About& about) {
    Put({name, QuoteYaml(value), "Text", about});
  }
  void Path(std::string_view name, std::string& value, const About& about) {
    Put({name, QuoteYaml(value), "A file's path, relative to this file's folder", about});
  }
  void Texts(std::string_view name, std::vector<std::string>& values, const About& about) {
    Put({name, FlowOf(values), std::string(kTextsForm), about});
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

// Visitor: the single values of a struct as its member initialisers leave them.
class DefaultsCollector : public ScalarVisitor<DefaultsCollector> {
 public:
  void Put(const Scalar& scalar) { defaults_.push_back(scalar.yaml); }
  template <class Struct>
  void Section(std::string_view /*name*/, Struct& /*value*/, const About& /*about*/) {}
  template <class Struct>
  void List(std::string_view /*name*/, std::vector<Struct>& /*values*/, const About& /*about*/) {}
  template <class Struct>
  void Overrides(std::string_view /*name*/, Override<Struct>& /*value*/, const About& /*about*/) {}

  std::vector<std::string> defaults_;
};

// The struct's single values in the order of its description, as YAML writes them.
template <class Struct>
std::vector<std::string> DefaultsOf() {
  Struct initial;
  DefaultsCollector collector;
  Describe(collector, initial);
  return std::move(collector.defaults_);
}

// What the value may be, and what it is where nobody says.
inline std::string NoteOn(const Scalar& scalar, std::string_view initial) {
  std::string note = scalar.form;
  note.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(note.front())));
  if (scalar.about.required) return note + ". Required.";
  return note.append(". Default: ").append(initial) + ".";
}

}  // namespace poplar::config
