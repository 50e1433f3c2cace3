#include "proxy/config/quote.h"

#include <cstdio>

namespace poplar::config {
namespace {

constexpr size_t kMaxQuotedBytes = 64;

std::string Escape(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string Quote(std::string_view text) {
  if (text.size() <= kMaxQuotedBytes) return Escape(text) + '"';
  size_t end = kMaxQuotedBytes;
  // Not in the middle of a UTF-8 sequence.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return Escape(text.substr(0, end)) + "...\"";
}

std::string QuoteYaml(std::string_view text) { return Escape(text) + '"'; }

}  // namespace poplar::config
