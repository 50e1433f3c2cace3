#include "proxy/cli/top_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "metrics/text_table.h"

namespace poplar::cli {
namespace {

enum class Look { kPlain, kHead, kBad };

struct Line {
  std::string text;
  Look look = Look::kPlain;
};

double Rate(uint64_t before, uint64_t now, double seconds) {
  if (seconds <= 0) return 0;
  return static_cast<double>(now >= before ? now - before : now) / seconds;
}

std::string TimeText(const std::optional<double>& seconds) {
  constexpr double kMillisPerSecond = 1000;
  if (!seconds) return "-";
  if (*seconds < 1) return fmt::format("{:.1f} ms", *seconds * kMillisPerSecond);
  return fmt::format("{:.2f} s", *seconds);
}

Line TopLine(const TopSample& now, const std::string& address) {
  const bool is_well = now.ready && !now.draining;
  const std::string state = now.draining ? "draining" : now.ready ? "ready" : "not ready";
  return {fmt::format("poplar {} at {}  up {}  {}  {} sessions", now.version, address,
                      AgeText(now.now - now.started), state, now.sessions),
          is_well ? Look::kPlain : Look::kBad};
}

Line RateLine(const TopSample& before, const TopSample& now) {
  const double seconds = now.now - before.now;
  const auto rate = [&](uint64_t TopSample::* count) {
    return Rate(before.*count, now.*count, seconds);
  };
  return {
      fmt::format("logins {:.1f}/s  failed {:.1f}/s  login p50 {}  p99 {}  messages {:.1f}/s  "
                  "sent {}/s",
                  rate(&TopSample::logins_ok), rate(&TopSample::logins_failed),
                  TimeText(QuantileBetween(before.login, now.login, 0.5)),
                  TimeText(QuantileBetween(before.login, now.login, 0.99)),
                  rate(&TopSample::messages), BytesText(rate(&TopSample::bytes_to_clients)))};
}

std::string StateText(const TopSample::Node& node) {
  return node.admin_state == "up" ? node.state : node.state + ", " + node.admin_state;
}

metrics::TableRow RowOf(const TopSample::Node& node) {
  return {node.cluster + "/" + node.name,
          StateText(node),
          std::to_string(node.sessions),
          std::to_string(node.in_use),
          std::to_string(node.warm),
          std::to_string(node.parked),
          node.slots == 0 ? "no limit" : std::to_string(node.slots),
          std::to_string(node.waiting),
          TimeText(node.probe_seconds),
          node.evidence.empty() ? "none" : node.evidence};
}

// Each with its end in the table's text.
std::vector<std::string> LinesOf(std::vector<metrics::TableRow> rows) {
  const std::string table = metrics::TextTable(std::move(rows));
  std::vector<std::string> lines;
  for (size_t at = 0; at < table.size();) {
    const size_t end = table.find('\n', at);
    lines.push_back(table.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

void AddNodes(const TopSample& now, std::vector<Line>& lines) {
  std::vector<metrics::TableRow> rows = {{"NODE", "STATE", "SESSIONS", "IN-USE", "WARM", "PARKED",
                                          "SLOTS", "WAITING", "PROBE", "LAST CHANGE"}};
  for (const TopSample::Node& node : now.nodes) rows.push_back(RowOf(node));
  std::vector<std::string> texts = LinesOf(std::move(rows));
  lines.push_back({std::move(texts.front()), Look::kHead});
  for (size_t i = 1; i < texts.size(); ++i)
    lines.push_back({std::move(texts[i]), now.nodes[i - 1].in_service ? Look::kPlain : Look::kBad});
}

void AddSessions(const TopSample& now, std::vector<Line>& lines) {
  std::vector<std::string> texts = LinesOf(SessionRows(now.listed));
  lines.push_back({std::move(texts.front()), Look::kHead});
  for (size_t i = 1; i < texts.size(); ++i) lines.push_back({std::move(texts[i])});
}

std::string Painted(std::string_view text, Look look, config::Color color) {
  if (color == config::Color::kNever || look == Look::kPlain) return std::string(text);
  return (look == Look::kHead ? "\x1b[1m" : "\x1b[31m") + std::string(text) + "\x1b[0m";
}

}  // namespace

std::string_view FirstColumns(std::string_view line, size_t columns) {
  size_t at = 0;
  for (size_t column = 0; at < line.size() && column < columns; ++column) {
    ++at;
    while (at < line.size() && (static_cast<unsigned char>(line[at]) & 0xC0) == 0x80) ++at;
  }
  return line.substr(0, at);
}

std::string TopPicture(const TopSample& before, const TopSample& now, const std::string& address,
                       const TopSize& size, config::Color color) {
  std::vector<Line> lines = {TopLine(now, address), RateLine(before, now)};
  if (!now.io_note.empty()) lines.push_back({now.io_note, Look::kBad});
  lines.push_back({});
  AddNodes(now, lines);
  lines.push_back({});
  AddSessions(now, lines);
  if (size.rows > 0) lines.resize(std::min(lines.size(), size.rows));
  std::string picture;
  for (const Line& line : lines) {
    const std::string text = metrics::Printable(line.text);
    picture += Painted(FirstColumns(text, size.columns), line.look, color) + "\n";
  }
  return picture;
}

}  // namespace poplar::cli
