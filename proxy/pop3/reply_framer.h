#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/pop3/limits.h"

namespace poplar::pop3 {

// Finds where a node's reply ends, without holding, changing or un-stuffing a byte of it. The bytes
// may come split anywhere. Usage: Expect() per outstanding command, then Feed() until complete.
//
// A multi-line reply ends with CRLF "." CRLF and nothing less, the CRLF of the status line counting
// as the first. Taking LF "." LF as well would let a mail's text end its own RETR, and the rest of
// the mail would pass for replies (RFC 1939 section 3).
class ReplyFramer {
 public:
  // A fault is final: where the next reply begins is unknowable, the connection is of no more use.
  enum class Fault : uint8_t { kNone, kNotAStatusLine, kStatusLineTooLong };

  struct Step {
    size_t consumed = 0;    // bytes that belong to this reply: relay these
    bool complete = false;  // the reply ends with them
  };

  // Starts the next reply. `multi_line`: what ExpectsMultiLine() said of its command; -ERR is
  // single-line in any case. Only when the reply before is complete.
  void Expect(bool multi_line);

  // Consumes at most up to the reply's end. With a fault: {0, false}, now and ever after. Only
  // between Expect() and complete.
  Step Feed(std::string_view bytes);

  Fault fault() const { return fault_; }
  // Whether any byte of the reply has come.
  bool started() const { return status_size_ > 0; }
  // Whether the status line has come whole; ok() and status_line() tell nothing before.
  bool status_known() const { return stage_ == Stage::kBody || stage_ == Stage::kDone; }
  bool ok() const { return status_known() && status_[0] == '+'; }
  // The status line's first kStatusPrefixBytes bytes, without its line end. Valid until Expect().
  std::string_view status_line() const;
  // Whether the status line of a multi-line reply has come and its terminator has not: an error now
  // can no longer be told to the client, only shown by closing.
  bool in_body() const { return stage_ == Stage::kBody; }
  // Bytes behind the status line, dot-stuffing included. Exact, that is without the terminator,
  // once the reply is complete; until then it may count up to 2 bytes of a terminator that has
  // begun.
  uint64_t body_bytes() const { return body_bytes_; }

 private:
  enum class Stage : uint8_t { kIdle, kStatus, kBody, kDone };
  // How much of CRLF "." CRLF the last bytes make up.
  enum class Seen : uint8_t { kNothing, kCr, kCrLf, kCrLfDot, kCrLfDotCr };

  Step FeedStatus(std::string_view bytes);
  Step FeedBody(std::string_view bytes);
  void KeepPrefix(std::string_view piece);
  bool StatusStillPossible() const;
  bool EndStatus();
  Step Fail(Fault fault);

  uint64_t body_bytes_ = 0;
  uint32_t status_size_ = 0;  // bytes of the status line so far, its line end included
  Stage stage_ = Stage::kIdle;
  Fault fault_ = Fault::kNone;
  Seen seen_ = Seen::kNothing;
  bool multi_line_ = false;
  uint8_t prefix_size_ = 0;  // bytes used in status_; without the line end once that has come
  std::array<char, kStatusPrefixBytes> status_;
};

static_assert(sizeof(ReplyFramer) <= 128, "one per session that is at work");

}  // namespace poplar::pop3
