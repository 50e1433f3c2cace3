#include "proxy/pop3/command.h"

#include <algorithm>
#include <array>

#include "proxy/pop3/ascii.h"
#include "proxy/pop3/limits.h"

namespace poplar::pop3 {
namespace {

// In the order of Verb.
constexpr std::array<std::string_view, kVerbCount> kNames = {
    "USER", "PASS", "APOP", "AUTH", "CAPA", "STLS", "UTF8", "LANG", "STAT",    "LIST",
    "UIDL", "RETR", "TOP",  "DELE", "RSET", "NOOP", "LAST", "QUIT", "UNKNOWN", "MALFORMED"};

constexpr size_t kKnownVerbs = static_cast<size_t>(Verb::kUnknown);
constexpr size_t kKnownBytesMax = 4;

// Up to four letters as one integer, so that a lookup compares integers.
constexpr uint32_t Pack(std::string_view keyword) {
  uint32_t packed = 0;
  for (char c : keyword) packed = packed << 8 | static_cast<unsigned char>(ToUpper(c));
  return packed;
}

constexpr std::array<uint32_t, kKnownVerbs> kPacked = [] {
  std::array<uint32_t, kKnownVerbs> packed{};
  for (size_t i = 0; i < kKnownVerbs; ++i) packed[i] = Pack(kNames[i]);
  return packed;
}();

static_assert(std::all_of(kNames.begin(), kNames.begin() + kKnownVerbs,
                          [](std::string_view name) { return name.size() <= kKnownBytesMax; }));

bool IsKeyword(std::string_view word) {
  return word.size() >= kKeywordBytesMin && word.size() <= kKeywordBytesMax &&
         std::all_of(word.begin(), word.end(), IsLetterOrDigit);
}

Verb FindVerb(std::string_view keyword) {
  if (keyword.size() > kKnownBytesMax) return Verb::kUnknown;
  const auto found = std::find(kPacked.begin(), kPacked.end(), Pack(keyword));
  return static_cast<Verb>(found - kPacked.begin());  // past the end is kUnknown
}

std::string_view WithoutTrailingBlanks(std::string_view text) {
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

}  // namespace

Command ParseCommand(std::string_view line) {
  using std::string_view_literals::operator""sv;
  if (line.find_first_of("\0\r\n"sv) != line.npos) return {};
  const size_t blank = line.find(' ');
  const std::string_view keyword = line.substr(0, blank);
  if (!IsKeyword(keyword)) return {};

  Command command;
  command.verb = FindVerb(keyword);
  command.keyword = keyword;
  if (blank == line.npos) return command;
  command.argument = line.substr(blank + 1);
  if (command.verb == Verb::kPass) {
    command.has_argument = true;
  } else {
    command.argument = WithoutTrailingBlanks(command.argument);
    command.has_argument = !command.argument.empty();
  }
  return command;
}

bool ExpectsMultiLine(const Command& command) {
  switch (command.verb) {
    case Verb::kCapa:
    case Verb::kRetr:
    case Verb::kTop:
      return true;
    case Verb::kList:
    case Verb::kUidl:
    case Verb::kLang:
    case Verb::kAuth:
      return !command.has_argument;
    default:
      return false;
  }
}

std::string_view VerbName(Verb verb) { return kNames[static_cast<size_t>(verb)]; }

}  // namespace poplar::pop3
