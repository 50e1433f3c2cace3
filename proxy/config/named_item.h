#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/quote.h"
#include "proxy/config/suggestion.h"

namespace poplar::config {

// Of the configuration's lists: the item's number; as many as there are: there is none of that
// name.
template <class Struct>
size_t NumberOf(const std::vector<Struct>& items, std::string_view name) {
  const auto found = std::find_if(items.begin(), items.end(),
                                  [name](const Struct& item) { return item.name == name; });
  return static_cast<size_t>(found - items.begin());
}

// "unknown cluster "shraed"; did you mean "shared"?"
template <class Struct>
std::string UnknownName(const std::vector<Struct>& items, std::string_view what,
                        const std::string& name) {
  std::vector<std::string_view> names;
  names.reserve(items.size());
  for (const Struct& item : items) names.push_back(item.name);
  const std::string_view meant = NearestWord(name, names);
  return "unknown " + std::string(what) + " " + Quote(name) +
         (meant.empty() ? "" : "; did you mean " + Quote(meant) + "?");
}

}  // namespace poplar::config
