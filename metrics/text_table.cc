#include "metrics/text_table.h"

#include <algorithm>
#include <cstddef>

namespace poplar::metrics {

std::string Printable(std::string_view text) {
  std::string printable(text);
  std::replace_if(
      printable.begin(), printable.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; },
      '?');
  return printable;
}

std::string TextTable(std::vector<TableRow> rows) {
  std::vector<size_t> widths(rows.empty() ? 0 : rows.front().size());
  for (TableRow& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = Printable(row[i]);
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string table;
  for (const TableRow& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i)
      table.append(row[i]).append(widths[i] + 2 - row[i].size(), ' ');
    table.append(row.back()).append("\n");
  }
  return table;
}

}  // namespace poplar::metrics
