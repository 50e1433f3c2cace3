#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace poplar::pop3 {

enum class Verb : uint8_t {
  kUser,
  kPass,
  kApop,
  kAuth,
  kCapa,
  kStls,
  kUtf8,
  kLang,
  kStat,
  kList,
  kUidl,
  kRetr,
  kTop,
  kDele,
  kRset,
  kNoop,
  kLast,
  kQuit,
  kUnknown,    // looks like a keyword, but not one of ours: its reply's framing is unknowable
  kMalformed,  // never relayed: answered with -ERR here
};
inline constexpr size_t kVerbCount = static_cast<size_t>(Verb::kMalformed) + 1;

// One command line taken apart. The views point into the line that was parsed.
struct Command {
  Verb verb = Verb::kMalformed;
  std::string_view keyword;   // as the client spelt it; empty when kMalformed
  std::string_view argument;  // all behind the one blank; trailing blanks cut, but for PASS
  bool has_argument = false;  // PASS: the blank was there; others: argument is not empty
};

// `line` comes without its line end. kMalformed: empty; NUL, CR or LF anywhere; a keyword that is
// not kKeywordBytesMin to kKeywordBytesMax ASCII letters and digits. Arguments may hold 8-bit
// bytes.
Command ParseCommand(std::string_view line);

// Whether a +OK to this command is a multi-line reply (-ERR never is). Meaningless for kUnknown and
// kMalformed, for which it says false.
bool ExpectsMultiLine(const Command& command);

// "USER", "PASS", ... "UNKNOWN", "MALFORMED": a bounded set, fit for a metric's label.
std::string_view VerbName(Verb verb);

}  // namespace poplar::pop3
