#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string_view>

// The vocabulary in which a settings struct describes its fields.
//
// Beside each struct of this folder stands `template <class V> void Describe(V& visitor, Struct&
// s)`, which names every field once, with its help and bounds; the default is the member
// initialiser above it. The YAML reader, the printer and whatever comes later are visitors with
// these members:
//
//   Text(name, std::string&, About)                      any text
//   Path(name, std::string&, About)                      a file; relative ones are relative to the
//                                                        configuration file
//   Flag(name, bool&, About)
//   Integer(name, int&, Bounds<int>, About)
//   Time(name, Duration&, Bounds<Duration>, About)
//   Bytes(name, Size&, Bounds<Size>, About)
//   Percentage(name, Percent&, About)                    0 to 100, in steps of 0.1
//   Choice(name, Enum&, const ChoiceName<Enum>(&)[N], About)
//   Texts(name, std::vector<std::string>&, About)        a list of single texts
//   Section(name, Struct&, About)
//   List(name, std::vector<Struct>&, About)
//   Overrides(name, Override<Struct>&, About)            any of a struct's single values
//   (override.h)
//
// A struct with a member `static constexpr bool Struct::* kSwitch` names the flag that stands for
// all of it: its section may also be a single on or off.
namespace poplar::config {

using Duration = std::chrono::milliseconds;

struct Size {
  uint64_t bytes = 0;
  auto operator<=>(const Size&) const = default;
};

constexpr Size KiB(uint64_t count) { return {count << 10}; }
constexpr Size MiB(uint64_t count) { return {count << 20}; }
constexpr Size GiB(uint64_t count) { return {count << 30}; }

struct Percent {
  int permille = 0;
  auto operator<=>(const Percent&) const = default;
};

// Both ends belong to the range.
template <class T>
struct Bounds {
  T least;
  T most;
};

struct About {
  std::string_view help = {};
  bool required = false;
  // Stands in the printed reference where the default is empty.
  std::string_view example = {};
  // A list that the printed reference has an item of although it may be empty.
  bool in_example = false;
  // False: a reload leaves the value as it was at start, and of a section or a list all that is in
  // it.
  bool live = true;
  // Of a live list whose items have names: a reload adds and removes none; what is in them is their
  // own fields' matter.
  bool fixed_items = false;
  // Of a path: a running Poplar reads the file anew when it changes, by a reload.
  bool watched = true;
};

template <class Struct>
concept HasSwitch = requires(Struct s) { s.*Struct::kSwitch = true; };

template <class Enum>
struct ChoiceName {
  Enum value;
  std::string_view name;
};

}  // namespace poplar::config
