#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "proxy/config/field.h"

// Settings that a cluster or node may state for itself. An override speaks of the same struct as
// the global section, so name, help and bounds of a setting stay in one place.
namespace poplar::config {

// The visitor (field.h) behind ForEachField.
template <class Function>
class FieldWalk {
 public:
  explicit FieldWalk(Function& call) : call_(call) {}

  void Text(std::string_view name, std::string& value, const About& /*about*/) {
    call_(name, value);
  }
  void Path(std::string_view name, std::string& value, const About& /*about*/) {
    call_(name, value);
  }
  void Flag(std::string_view name, bool& value, const About& /*about*/) { call_(name, value); }
  void Integer(std::string_view name, int& value, const Bounds<int>& /*bounds*/,
               const About& /*about*/) {
    call_(name, value);
  }
  void Time(std::string_view name, Duration& value, const Bounds<Duration>& /*bounds*/,
            const About& /*about*/) {
    call_(name, value);
  }
  void Bytes(std::string_view name, Size& value, const Bounds<Size>& /*bounds*/,
             const About& /*about*/) {
    call_(name, value);
  }
  void Percentage(std::string_view name, Percent& value, const About& /*about*/) {
    call_(name, value);
  }
  template <class Enum, size_t kCount>
  void Choice(std::string_view name, Enum& value, const ChoiceName<Enum> (& /*names*/)[kCount],
              const About& /*about*/) {
    call_(name, value);
  }

 private:
  Function& call_;
};

// Calls `function(name, value)` for each field, in the order of the description. Only for structs
// of single values: one with a section or a list does not compile here.
template <class Struct, class Function>
void ForEachField(Struct& fields, Function function) {
  FieldWalk<Function> walk(function);
  Describe(walk, fields);
}

// Some of a struct's settings; the others are as elsewhere.
template <class Struct>
struct Override {
  Struct values;       // what isn't given stands at its default, and means nothing
  uint32_t given = 0;  // bit i: the i-th field of the description is given

  bool empty() const { return given == 0; }
  bool IsGiven(size_t index) const { return (given >> index & 1) != 0; }
  bool operator==(const Override&) const = default;
};

// Gives one setting: Set(node.pool, &PoolConfig::size, 20).
template <class Struct, class Value>
void Set(Override<Struct>& override, Value Struct::* member,
         const std::type_identity_t<Value>& to) {
  Value& wanted = override.values.*member;
  wanted = to;
  size_t index = 0;
  ForEachField(override.values, [&](std::string_view, auto& field) {
    if constexpr (std::is_same_v<std::remove_reference_t<decltype(field)>, Value>) {
      if (&field == &wanted) override.given |= uint32_t{1} << index;
    }
    ++index;
  });
  assert(index <= 32);
}

template <class Struct>
bool IsGiven(const Override<Struct>& override, std::string_view wanted) {
  Struct values = override.values;  // descriptions want something they could write to
  bool is_given = false;
  size_t index = 0;
  ForEachField(values, [&](std::string_view name, auto&) {
    is_given = is_given || (name == wanted && override.IsGiven(index));
    ++index;
  });
  return is_given;
}

// `base` with what the override gives.
template <class Struct>
Struct Apply(const Override<Struct>& override, Struct base) {
  Struct from = override.values;
  size_t source = 0;
  ForEachField(from, [&](std::string_view, auto& value) {
    size_t target = 0;
    ForEachField(base, [&](std::string_view, auto& field) {
      if constexpr (std::is_same_v<decltype(field), decltype(value)>) {
        if (target == source && override.IsGiven(source)) field = value;
      }
      ++target;
    });
    ++source;
  });
  return base;
}

template <class Struct>
std::vector<std::string_view> FieldNames() {
  Struct values;
  std::vector<std::string_view> names;
  ForEachField(values, [&](std::string_view name, auto&) { names.push_back(name); });
  return names;
}

}  // namespace poplar::config
