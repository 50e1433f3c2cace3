#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/pop3/listing_lines.h"
#include "proxy/pop3/maildrop_view.h"

namespace poplar::pop3 {

// Puts the node's answer to LIST or UIDL into the client's numbers, when the two differ: hidden
// messages are left out, the others renumbered and otherwise passed as they are, in the node's
// order; the status line becomes a bare +OK (it may tell a count). Each line passes as soon as it
// is whole.
class ListingFilter {
 public:
  // The view outlives it.
  explicit ListingFilter(const MaildropView& view) : view_(view) {}

  // The answer (+OK) from its first byte on, terminator included, split anywhere. Appends what the
  // client gets: at most 2 bytes for each 1, as numbers may get longer, besides the beginning of a
  // line. False: a line that is none of a listing's; nothing can be said of the rest, now and ever
  // after.
  [[nodiscard]] bool Feed(std::string_view piece, std::string* out);

  // Of the messages passed so far; for LIST, whose lines have sizes. The answer to STAT is made of
  // them.
  uint32_t count() const { return count_; }
  uint64_t octets() const { return octets_; }

 private:
  enum class Stage : uint8_t { kStatus, kLines, kDone, kBroken };

  Stage Pass(std::string_view line, std::string* out);

  const MaildropView& view_;
  ListingLines lines_;
  uint32_t count_ = 0;
  uint64_t octets_ = 0;
  Stage stage_ = Stage::kStatus;
};

// The same for the answer to LIST n or UIDL n, a status line without its line end: "+OK 7 120"
// becomes "+OK 5 120\r\n". Any other line passes as it is, with its CRLF; so does one of a message
// that is hidden, for which nobody can have asked.
std::string FilterListingLine(std::string_view status_line, const MaildropView& view);

}  // namespace poplar::pop3
