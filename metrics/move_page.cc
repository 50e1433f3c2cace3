#include "metrics/move_page.h"

#include <charconv>
#include <utility>
#include <vector>

#include "metrics/json.h"
#include "metrics/text_table.h"

namespace poplar::metrics {
namespace {

std::string MoveAsJson(const MoveView& move) {
  return JsonObject()
      .Text("move", move.name)
      .Text("from", move.from)
      .Text("to", move.to)
      .Raw("percent", PercentText(move.permille))
      .Number("logins_waiting", move.waiting)
      .Number("sessions_ending", move.ending)
      .Number("logins_landed", move.landed)
      .Number("logins_waited_too_long", move.waited_too_long)
      .Number("sessions_ended", move.ended)
      .End();
}

TableRow RowOf(const MoveView& move) {
  return {move.name,
          move.from,
          move.to,
          PercentText(move.permille),
          std::to_string(move.waiting),
          std::to_string(move.ending),
          std::to_string(move.landed),
          std::to_string(move.waited_too_long),
          std::to_string(move.ended)};
}

}  // namespace

std::string MovesAsJson(std::span<const MoveView> moves) {
  std::string list = "[";
  for (const MoveView& move : moves)
    list.append(list.size() == 1 ? "" : ",").append(MoveAsJson(move));
  return JsonObject().Raw("moves", list + "]").End() + "\n";
}

std::string MovesAsTable(std::span<const MoveView> moves) {
  std::vector<TableRow> rows = {
      {"MOVE", "FROM", "TO", "PERCENT", "WAITING", "ENDING", "LANDED", "TOO LONG", "ENDED"}};
  for (const MoveView& move : moves) rows.push_back(RowOf(move));
  return TextTable(std::move(rows));
}

std::string PercentText(uint32_t permille) {
  std::string text = std::to_string(permille / 10);
  if (permille % 10 != 0) text.append(".").append(std::to_string(permille % 10));
  return text;
}

std::optional<uint32_t> ParsePercent(std::string_view text) {
  constexpr uint32_t kAllPermille = 1000;
  constexpr size_t kLongest = 5;  // "100.0"
  if (text.size() > kLongest) return std::nullopt;
  uint32_t whole = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [at, error] = std::from_chars(begin, end, whole);
  if (error != std::errc()) return std::nullopt;
  uint32_t permille = whole * 10;
  if (at != end) {
    if (*at != '.' || end - at != 2 || at[1] < '0' || at[1] > '9') return std::nullopt;
    permille += static_cast<uint32_t>(at[1] - '0');
  }
  if (permille > kAllPermille) return std::nullopt;
  return permille;
}

}  // namespace poplar::metrics
