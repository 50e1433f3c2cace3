#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/simulation/session_mail.h"

namespace poplar::simulation {

// A command as a client asks it, with what is needed to judge the answer.
struct Question {
  enum class Kind : uint8_t {
    kUser,
    kPass,
    kCapa,
    kStat,
    kList,
    kUidl,
    kListOne,
    kUidlOne,
    kRetr,
    kTop,
    kDele,
    kRset,
    kNoop,
    kLast,
    kMalformed,
    kUnknown,  // from there on the session is opaque
    kTag,      // tells the node which attempt it serves: NOOP and, in blanks, a number
    kQuit,
  };
  // As many lines as fetchmail asks TOP for when it wants the whole message.
  static constexpr uint32_t kAllLines = 99'999'999;

  Kind kind;
  uint32_t number = 0;    // of a message, or the tag's
  uint32_t lines = 0;     // of TOP
  std::string text = {};  // of USER and PASS
  uint64_t troubles = 0;  // told by nodes before it was asked

  std::string Line() const;  // with its line end
  // The number of the tag that the line is, without its line end; 0: it is none.
  static uint32_t TagOf(std::string_view line);
  bool IsMultiLine() const;
  bool IsListing() const { return kind == Kind::kList || kind == Kind::kUidl; }
  // RETR, or the TOP that asks for the same.
  bool TakesWholeMessage() const {
    return kind == Kind::kRetr || (kind == Kind::kTop && lines == kAllLines);
  }
  // What follows the status line, of RETR or TOP.
  std::string WireOf(const OriginalMessage& message) const;
  // "5 120" or "5 some-id", for LIST and UIDL and their forms with a number.
  std::string ListingLine(uint32_t number, const OriginalMessage& message) const;
};

}  // namespace poplar::simulation
