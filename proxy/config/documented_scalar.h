#pragma once

#include <cctype>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/config/field.h"
#include "proxy/config/override.h"
#include "proxy/config/scalar.h"

// What the printed reference and the manual page have in common.
namespace poplar::config {

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

// What a reload doesn't change is marked.
inline std::string Liveness(const About& about) {
  if (!about.live) return " (restart)";
  return about.fixed_items ? " (restart, but for what is in those that there were)" : "";
}

// What the value may be, and what it is where nobody says.
inline std::string NoteOn(const Scalar& scalar, std::string_view initial) {
  std::string note = scalar.form;
  note.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(note.front())));
  if (scalar.about.required) return note + ". Required." + Liveness(scalar.about);
  return note.append(". Default: ").append(initial) + "." + Liveness(scalar.about);
}

}  // namespace poplar::config
