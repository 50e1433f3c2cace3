#include "tests/simulation/question.h"

#include "proxy/demo/message_text.h"

namespace poplar::simulation {

namespace {

// Blanks behind a command mean nothing to those who read it, and pass.
constexpr std::string_view kTagVerb = "NOOP ";
constexpr char kOne = '\t';
constexpr char kZero = ' ';

std::string TagLine(uint32_t number) {
  std::string line(kTagVerb);
  for (; number > 0; number >>= 1) line += (number & 1) != 0 ? kOne : kZero;
  return line + "\r\n";
}

}  // namespace

uint32_t Question::TagOf(std::string_view line) {
  if (!line.starts_with(kTagVerb)) return 0;
  uint32_t number = 0;
  for (size_t i = line.size(); i-- > kTagVerb.size();) number = 2 * number + (line[i] == kOne);
  return number;
}

std::string Question::Line() const {
  const std::string n = std::to_string(number);
  switch (kind) {
    case Kind::kUser:
      return "USER " + text + "\r\n";
    case Kind::kPass:
      return "PASS " + text + "\r\n";
    case Kind::kCapa:
      return "CAPA\r\n";
    case Kind::kStat:
      return "STAT\r\n";
    case Kind::kList:
      return "list\r\n";
    case Kind::kUidl:
      return "UIDL\r\n";
    case Kind::kListOne:
      return "LIST " + n + "\r\n";
    case Kind::kUidlOne:
      return "uidl " + n + "\r\n";
    case Kind::kRetr:
      return "RETR " + n + "\r\n";
    case Kind::kTop:
      return "TOP " + n + " " + std::to_string(lines) + "\r\n";
    case Kind::kDele:
      return "DELE " + n + "\r\n";
    case Kind::kRset:
      return "RSET\r\n";
    case Kind::kNoop:
      return "NOOP\n";  // a bare LF ends a line too
    case Kind::kLast:
      return "LAST\r\n";
    case Kind::kMalformed:
      return "?\r\n";
    case Kind::kUnknown:
      return "XFROB 1\r\n";
    case Kind::kTag:
      return TagLine(number);
    case Kind::kQuit:
      return "QUIT\r\n";
  }
  return "";
}

bool Question::IsMultiLine() const {
  return kind == Kind::kCapa || IsListing() || kind == Kind::kRetr || kind == Kind::kTop;
}

std::string Question::WireOf(const OriginalMessage& message) const {
  if (TakesWholeMessage()) return message.wire;
  return StuffedWithTerminator(demo::TopOf(message.text, lines));
}

std::string Question::ListingLine(uint32_t of, const OriginalMessage& message) const {
  const bool unique_id = kind == Kind::kUidl || kind == Kind::kUidlOne;
  return std::to_string(of) + " " +
         (unique_id ? message.unique_id : std::to_string(message.text.size()));
}

}  // namespace poplar::simulation
