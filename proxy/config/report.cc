#include "proxy/config/report.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "proxy/config/quote.h"

namespace poplar::config {
namespace {

// Of an endless line only this much is shown, around the caret.
constexpr size_t kMaxShownBytes = 120;
constexpr size_t kShownBeforeCaret = 80;

struct Palette {
  std::string_view bold;
  std::string_view error;
  std::string_view warning;
  std::string_view caret;
  std::string_view reset;
};
constexpr Palette kPlain = {};
constexpr Palette kColored = {"\033[1m", "\033[1;31m", "\033[1;33m", "\033[1;32m", "\033[0m"};

bool IsContinuationByte(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// One column for each character, and nothing that could drive the terminal.
std::string Printable(std::string_view text) {
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += c == '\t' ? ' ' : (byte < 0x20 || byte == 0x7f) ? '?' : c;
  }
  return out;
}

void RenderLine(std::string_view line, Position at, const Palette& palette, std::ostream& out) {
  // At most one past the end: that is where something is missing.
  const size_t caret = std::min(static_cast<size_t>(at.column - 1), line.size());
  size_t start =
      caret > kShownBeforeCaret && line.size() > kMaxShownBytes ? caret - kShownBeforeCaret : 0;
  while (start > 0 && IsContinuationByte(line[start])) --start;
  size_t end = std::min(start + kMaxShownBytes, line.size());
  while (end < line.size() && IsContinuationByte(line[end])) ++end;

  const std::string number = std::to_string(at.line);
  const std::string_view before = line.substr(start, caret - start);
  const auto columns =
      std::count_if(before.begin(), before.end(), [](char c) { return !IsContinuationByte(c); });
  out << "  " << number << " | " << Printable(line.substr(start, end - start)) << '\n';
  out << "  " << std::string(number.size(), ' ') << " | "
      << std::string(static_cast<size_t>(columns), ' ') << palette.caret << '^' << palette.reset
      << '\n';
}

void RenderProblem(const Problem& problem, const Source& source,
                   const std::vector<std::string_view>& lines, const Palette& palette,
                   std::ostream& out) {
  out << palette.bold << source.name << ':';
  if (problem.at.line > 0) out << problem.at.line << ':' << problem.at.column << ':';
  const bool is_error = problem.severity == Severity::kError;
  out << palette.reset << ' ' << (is_error ? palette.error : palette.warning)
      << (is_error ? "error:" : "warning:") << palette.reset << ' ';
  if (!problem.path.empty()) out << problem.path << ": ";
  out << problem.message << '\n';
  if (problem.at.line > 0 && static_cast<size_t>(problem.at.line) <= lines.size()) {
    RenderLine(lines[static_cast<size_t>(problem.at.line) - 1], problem.at, palette, out);
  }
  if (!problem.expected.empty()) out << "  expected: " << problem.expected << '\n';
  if (!problem.suggestion.empty()) out << "  did you mean " << Quote(problem.suggestion) << "?\n";
}

void RenderCount(size_t count, std::string_view what, std::ostream& out) {
  out << count << ' ' << what << (count == 1 ? "" : "s");
}

}  // namespace

Color ColorFor(int file_descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  const bool is_forbidden = no_color != nullptr && *no_color != '\0';
  return !is_forbidden && isatty(file_descriptor) == 1 ? Color::kAlways : Color::kNever;
}

void RenderReport(const Problems& problems, const Source& source, Color color, std::ostream& out) {
  const Palette& palette = color == Color::kAlways ? kColored : kPlain;
  const std::vector<std::string_view> lines = SplitLines(source.text);
  std::vector<const Problem*> sorted;
  for (const Problem& problem : problems) sorted.push_back(&problem);
  // Found first, told first, where two stand at one place.
  std::sort(sorted.begin(), sorted.end(), [](const Problem* a, const Problem* b) {
    return std::tie(a->at.line, a->at.column, a) < std::tie(b->at.line, b->at.column, b);
  });
  for (const Problem* problem : sorted) RenderProblem(*problem, source, lines, palette, out);
  const auto errors =
      static_cast<size_t>(std::count_if(problems.begin(), problems.end(), [](const Problem& p) {
        return p.severity == Severity::kError;
      }));
  RenderCount(errors, "error", out);
  out << ", ";
  RenderCount(problems.size() - errors, "warning", out);
  out << '\n';
}

}  // namespace poplar::config
