#include "metrics/text_table.h"

#include <algorithm>
#include <cstddef>

namespace poplar::metrics {

std::string Printable(std::string_view text) {
  std::string printable;
  printable.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool is_c1 = byte == 0xC2 && next >= 0x80 && next <= 0x9F;
    printable.push_back(byte < 0x20 || byte == 0x7F || is_c1 ? '?' : text[i]);
    if (is_c1) ++i;
  }
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
