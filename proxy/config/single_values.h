#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/field.h"

namespace poplar::config {

// Visitor base (field.h) for whom all settings of a single value, and lists of texts, are alike:
// calls Derived::Single(name, value, about).
template <class Derived>
class SingleValues {
 public:
  void Text(std::string_view name, std::string& value, const About& about) {
    self().Single(name, value, about);
  }
  void Path(std::string_view name, std::string& value, const About& about) {
    self().Single(name, value, about);
  }
  void Texts(std::string_view name, std::vector<std::string>& value, const About& about) {
    self().Single(name, value, about);
  }
  void Flag(std::string_view name, bool& value, const About& about) {
    self().Single(name, value, about);
  }
  void Integer(std::string_view name, int& value, const Bounds<int>& /*bounds*/,
               const About& about) {
    self().Single(name, value, about);
  }
  void Time(std::string_view name, Duration& value, const Bounds<Duration>& /*bounds*/,
            const About& about) {
    self().Single(name, value, about);
  }
  void Bytes(std::string_view name, Size& value, const Bounds<Size>& /*bounds*/,
             const About& about) {
    self().Single(name, value, about);
  }
  void Percentage(std::string_view name, Percent& value, const About& about) {
    self().Single(name, value, about);
  }
  template <class Enum, size_t kCount>
  void Choice(std::string_view name, Enum& value, const ChoiceName<Enum> (& /*names*/)[kCount],
              const About& about) {
    self().Single(name, value, about);
  }

 private:
  friend Derived;
  SingleValues() = default;
  Derived& self() { return static_cast<Derived&>(*this); }
};

}  // namespace poplar::config
