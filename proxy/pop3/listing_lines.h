#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace poplar::pop3 {

// Cuts the answer to LIST or UIDL into lines, and is stricter than LineReader: each must end with
// CRLF. With bare LFs a line could pass for the terminator where ReplyFramer sees none.
//
// A line that lies whole in a piece is a view into it; one that is spread over several is gathered
// in at most kReplyLineBytesMax bytes.
class ListingLines {
 public:
  enum class Event : uint8_t {
    kNeedMore,  // *piece is used up
    kLine,      // *line is set, *piece is what is behind it
    kBroken,    // too long, or without its CR; final
  };

  // The first line is the status line. A line comes without its CRLF; its view is valid until the
  // next call, and no longer than the piece.
  Event Next(std::string_view* piece, std::string_view* line);

 private:
  std::string carry_;
  bool carry_read_ = false;  // carry_ holds the line that was given out last
  bool status_read_ = false;
  bool broken_ = false;
};

// "7 120" taken apart: a number from 1 on without leading zeros, one blank, and `rest`, which is
// neither empty nor blank and holds no control characters but tabs.
struct ListingLine {
  uint32_t number = 0;
  std::string_view rest;
};

// `line` comes without its line end, as does the argument's rest. Nothing when it is another line.
std::optional<ListingLine> ParseListingLine(std::string_view line);

}  // namespace poplar::pop3
