#include "proxy/session/pending_command.h"

#include <charconv>
#include <limits>

namespace poplar::session {
namespace {

using pop3::Verb;

// fetchmail takes whole messages by TOP n 99999999; nobody asks for so many lines to see but a
// part.
constexpr uint32_t kWholeMessageLines = 1'000'000;

// Digits only; as many as there may be, since they are a client's.
std::optional<uint32_t> NumberOf(std::string_view digits) {
  uint32_t number = 0;
  const auto [stopped, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || stopped != digits.data() + digits.size()) return std::nullopt;
  return error == std::errc() ? number : std::numeric_limits<uint32_t>::max();
}

void TakeNumbers(std::string_view argument, PendingCommand& pending) {
  const size_t blank = argument.find(' ');
  const auto message = NumberOf(argument.substr(0, blank));
  std::optional<uint32_t> lines = 0;
  const bool wants_lines = pending.verb == Verb::kTop;
  if (wants_lines && blank != argument.npos) lines = NumberOf(argument.substr(blank + 1));
  if (!message || !lines || wants_lines != (blank != argument.npos)) return;
  pending.message = *message;
  pending.lines = *lines;
  pending.repeatable = *message > 0;
}

}  // namespace

PendingCommand Pending(const pop3::Command& command) {
  PendingCommand pending{.verb = command.verb, .multi_line = pop3::ExpectsMultiLine(command)};
  switch (command.verb) {
    case Verb::kList:
    case Verb::kUidl:
      pending.repeatable = !command.has_argument;
      if (command.has_argument) TakeNumbers(command.argument, pending);
      break;
    case Verb::kRetr:
    case Verb::kTop:
    case Verb::kDele:
      TakeNumbers(command.argument, pending);
      break;
    case Verb::kStat:
    case Verb::kRset:
    case Verb::kNoop:
    case Verb::kCapa:
    case Verb::kQuit:
      pending.repeatable = !command.has_argument;
      break;
    default:
      break;
  }
  pending.retrieves = command.verb == Verb::kRetr ||
                      (command.verb == Verb::kTop && pending.lines >= kWholeMessageLines);
  return pending;
}

bool NamesMessages(const PendingCommand& command) {
  return command.verb == Verb::kList || command.verb == Verb::kUidl ||
         command.verb == Verb::kRetr || command.verb == Verb::kTop || command.verb == Verb::kDele ||
         command.verb == Verb::kLast;
}

std::string LineAtNode(const PendingCommand& command, uint32_t message, bool translated) {
  const Verb verb = translated && command.verb == Verb::kStat ? Verb::kList : command.verb;
  std::string line(pop3::VerbName(verb));
  if (command.message != 0) line += " " + std::to_string(message);
  if (command.verb == Verb::kTop) line += " " + std::to_string(command.lines);
  return line + "\r\n";
}

}  // namespace poplar::session
