#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace poplar::metrics {

using TableRow = std::vector<std::string>;

// An operator's terminal must not obey what a node put into a reply, or a stranger into a name:
// control characters become '?', those beyond ASCII (U+0080 to U+009F) too.
std::string Printable(std::string_view text);

// Lines of columns as wide as they have to be, all made printable. The first row has the heads;
// each row has as many columns as that one.
std::string TextTable(std::vector<TableRow> rows);

}  // namespace poplar::metrics
