#pragma once

#include <string_view>

namespace poplar::io {

// A text that lives as long as the program and ends with a NUL, as a literal does: half of a
// string_view's memory, for what each session keeps.
class StaticText {
 public:
  constexpr StaticText() = default;
  constexpr StaticText(const char* text) : text_(text) {}
  // Of such a text as a whole.
  explicit constexpr StaticText(std::string_view text) : text_(text.empty() ? "" : text.data()) {}

  constexpr operator std::string_view() const { return text_; }
  constexpr bool empty() const { return *text_ == '\0'; }
  friend constexpr bool operator==(StaticText one, std::string_view other) {
    return std::string_view(one) == other;
  }

 private:
  const char* text_ = "";
};

}  // namespace poplar::io
