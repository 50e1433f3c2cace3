#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace poplar::demo {

// The form that messages are kept and sent in: every line ends with CRLF, the last one too. A CR
// that stands alone stays where it is. An empty message stays empty.
std::string WithCrlf(std::string_view text);

// What TOP sends: the header, the blank line behind it, and `body_lines` lines (RFC 1939 section
// 7). `text` is in the form of WithCrlf; the result is its beginning.
std::string_view TopOf(std::string_view text, uint64_t body_lines);

// Gives a message piece by piece, so that the pieces together are the dot-stuffed text (RFC 1939
// section 3). Nothing is copied: a piece ends with the dot that opens a line, and the next one
// begins with that same dot.
class DotStuffer {
 public:
  explicit DotStuffer(std::string_view text);

  // Views into the text; false at its end.
  bool Next(std::string_view* piece);

 private:
  std::string_view rest_;
  size_t searched_ = 0;  // where in rest_ a line start was looked at already
};

}  // namespace poplar::demo
