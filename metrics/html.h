#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace poplar::metrics {

// `text` as HTML shows it, in an element or in an attribute with quotes (HTML Living Standard,
// section 13.3): it begins and ends nothing. Control characters, of which HTML has but line ends
// and tabs, become U+FFFD.
std::string HtmlText(std::string_view text);

// What stands at the places {{name}} of a piece of HTML.
class HtmlValues {
 public:
  HtmlValues& Text(std::string_view name, std::string_view text) {
    return Markup(name, HtmlText(text));
  }
  // `markup` is HTML already.
  HtmlValues& Markup(std::string_view name, std::string markup) {
    values_.insert_or_assign(name, std::move(markup));
    return *this;
  }

  // Places without a value stay as they are, and so does what looks like a place in a value.
  std::string Fill(std::string_view html) const;

 private:
  std::map<std::string_view, std::string> values_;  // the names are the call sites' literals
};

}  // namespace poplar::metrics
