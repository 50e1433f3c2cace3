#include "proxy/pop3/listing_lines.h"

#include <charconv>

#include "proxy/pop3/limits.h"

namespace poplar::pop3 {
namespace {

// No early exit, so that compilers make vector instructions of it.
bool HoldsControls(std::string_view text) {
  unsigned char found = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    found |= static_cast<unsigned char>(((byte < ' ') & (byte != '\t')) | (byte == 0x7f));
  }
  return found != 0;
}

}  // namespace

ListingLines::Event ListingLines::Next(std::string_view* piece, std::string_view* line) {
  if (carry_read_) {
    carry_.clear();
    carry_read_ = false;
  }
  if (broken_) return Event::kBroken;

  const size_t room = (status_read_ ? kListingLineBytesMax : kReplyLineBytesMax) - carry_.size();
  const std::string_view window = piece->substr(0, room);
  const size_t newline = window.find('\n');
  if (newline == std::string_view::npos) {
    broken_ = window.size() == room;
    if (broken_) return Event::kBroken;
    carry_.append(window);
    *piece = {};
    return Event::kNeedMore;
  }

  *line = window.substr(0, newline + 1);
  piece->remove_prefix(newline + 1);
  if (!carry_.empty()) {
    carry_.append(*line);
    carry_read_ = true;
    *line = carry_;
  }
  status_read_ = true;
  broken_ = !line->ends_with("\r\n");
  if (broken_) return Event::kBroken;
  line->remove_suffix(2);
  return Event::kLine;
}

std::optional<ListingLine> ParseListingLine(std::string_view line) {
  const size_t blank = line.find(' ');
  if (blank == std::string_view::npos || line.front() == '0') return std::nullopt;
  ListingLine parsed;
  const char* const end = line.data() + blank;
  const auto number = std::from_chars(line.begin(), end, parsed.number);
  if (number.ec != std::errc{} || number.ptr != end) return std::nullopt;
  parsed.rest = line.substr(blank + 1);
  if (parsed.rest.find_first_not_of(" \t") == std::string_view::npos) return std::nullopt;
  if (HoldsControls(parsed.rest)) return std::nullopt;
  return parsed;
}

}  // namespace poplar::pop3
