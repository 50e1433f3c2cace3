#include "proxy/demo/message_text.h"

namespace poplar::demo {

std::string WithCrlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 40 + 2);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  if (!out.empty() && out.back() != '\n') out += "\r\n";
  return out;
}

std::string_view TopOf(std::string_view text, uint64_t body_lines) {
  size_t end = 0;
  if (!text.starts_with("\r\n")) {
    const size_t blank = text.find("\r\n\r\n");
    if (blank == std::string_view::npos) return text;  // all of it is header
    end = blank + 2;
  }
  end += 2;
  for (uint64_t line = 0; line < body_lines; ++line) {
    const size_t line_end = text.find('\n', end);
    if (line_end == std::string_view::npos) return text;
    end = line_end + 1;
  }
  return text.substr(0, end);
}

DotStuffer::DotStuffer(std::string_view text) : rest_(text) {}

bool DotStuffer::Next(std::string_view* piece) {
  if (rest_.empty()) return false;
  size_t dot = std::string_view::npos;
  if (searched_ == 0 && rest_.front() == '.') {
    dot = 0;
  } else if (const size_t line_end = rest_.find("\n.", searched_);
             line_end != std::string_view::npos) {
    dot = line_end + 1;
  }
  if (dot == std::string_view::npos) {
    *piece = rest_;
    rest_ = {};
    return true;
  }
  *piece = rest_.substr(0, dot + 1);
  rest_.remove_prefix(dot);
  searched_ = 1;  // past the dot that the next piece repeats
  return true;
}

}  // namespace poplar::demo
