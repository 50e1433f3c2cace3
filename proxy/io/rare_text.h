#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace poplar::io {

// A text that is hardly ever there: then it has a place of its own, and else takes no more than a
// pointer.
class RareText {
 public:
  RareText() = default;
  RareText(const RareText& other) { *this = std::string_view(other); }
  RareText(RareText&&) noexcept = default;
  RareText& operator=(const RareText& other) { return *this = std::string_view(other); }
  RareText& operator=(RareText&&) noexcept = default;
  RareText& operator=(std::string_view text) {
    text_ = text.empty() ? nullptr : std::make_unique<const std::string>(text);
    return *this;
  }

  operator std::string_view() const { return text_ ? std::string_view(*text_) : ""; }
  bool empty() const { return text_ == nullptr; }
  void clear() { text_.reset(); }
  friend bool operator==(const RareText& one, std::string_view other) {
    return std::string_view(one) == other;
  }

 private:
  std::unique_ptr<const std::string> text_;
};

}  // namespace poplar::io
