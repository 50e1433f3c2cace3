#pragma once

#include <span>
#include <string_view>

namespace poplar::config {

// The candidate that the word is probably a misspelling of (a transposition counts as one edit; at
// most a third of the word's letters may differ); empty when none is near.
std::string_view NearestWord(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace poplar::config
