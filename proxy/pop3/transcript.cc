#include "proxy/pop3/transcript.h"

#include <algorithm>
#include <array>
#include <utility>

#include "proxy/pop3/ascii.h"
#include "proxy/pop3/limits.h"
#include "proxy/pop3/reply.h"
#include "proxy/pop3/sasl_message.h"

namespace poplar::pop3 {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kMask = "***";

// Besides those that we speak.
constexpr std::array kOtherMechanisms = {
    "CRAM-MD5"sv,           "DIGEST-MD5"sv,      "NTLM"sv, "GSSAPI"sv, "APOP"sv, "ANONYMOUS"sv,
    "SCRAM-SHA-256-PLUS"sv, "SCRAM-SHA-1-PLUS"sv};

// Of Dovecot's XCLIENT: who speaks for whom. FORWARD may hold anything.
constexpr std::array kOpenXclientNames = {"ADDR"sv,     "PORT"sv, "DESTADDR"sv,
                                          "DESTPORT"sv, "TTL"sv,  "SESSION"sv};

template <size_t kCount>
bool IsOneOf(std::string_view word, const std::array<std::string_view, kCount>& words) {
  return std::any_of(words.begin(), words.end(),
                     [word](std::string_view each) { return EqualsIgnoringCase(word, each); });
}

std::string Escaped(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string escaped;
  for (const char c : text.substr(0, kTranscriptLineBytesMax)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') {
      escaped += "\\\\";
    } else if (byte >= 0x20 && byte < 0x7f) {
      escaped += c;
    } else {
      escaped.append("\\x").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 0xf]);
    }
  }
  if (text.size() > kTranscriptLineBytesMax) escaped += "...";
  return escaped;
}

// "1 line", "9,000 lines".
std::string Count(uint64_t number, std::string_view what) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  text.append(" ").append(what);
  if (number != 1) text += 's';
  return text;
}

bool IsNumbers(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || c == ' '; });
}

bool IsLanguage(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return IsLetterOrDigit(c) || c == '-' || c == '*'; });
}

// Whether everybody may read it. Nobody knows what a client has in mind that sends anything else.
bool IsOpenArgument(const Command& command) {
  switch (command.verb) {
    case Verb::kUser:
      return true;
    case Verb::kList:
    case Verb::kUidl:
    case Verb::kRetr:
    case Verb::kTop:
    case Verb::kDele:
      return IsNumbers(command.argument);
    case Verb::kLang:
      return IsLanguage(command.argument);
    default:
      return false;
  }
}

// RFC 5034 section 4.
bool IsQuestion(std::string_view line) { return line == "+" || line.starts_with("+ "); }

bool HoldsIgnoringCase(std::string_view text, std::string_view part) {
  const auto found = std::search(text.begin(), text.end(), part.begin(), part.end(),
                                 [](char a, char b) { return ToUpper(a) == ToUpper(b); });
  return !part.empty() && found != text.end();
}

// The password or token in a SASL message: what is last in it.
std::string_view SecretIn(std::string_view message) {
  constexpr std::string_view kSeparators = "\0\1"sv;
  constexpr std::string_view kBearer = "auth=Bearer ";
  message = message.substr(0, message.find_last_not_of(kSeparators) + 1);
  message = message.substr(message.find_last_of(kSeparators) + 1);
  if (message.starts_with(kBearer)) message.remove_prefix(kBearer.size());
  return message;
}

bool Repeats(std::string_view line, std::string_view hidden) {
  if (HoldsIgnoringCase(line, hidden)) return true;
  const auto message = DecodeBase64(hidden);
  return message && HoldsIgnoringCase(line, SecretIn(message->Expose()));
}

}  // namespace

Transcript::Transcript(Start start, Write write)
    : write_(std::move(write)), lines_(kSaslLineBytesMax), listing_(kListingLineBytesMax) {
  if (start != Start::kIdle) Expect(start == Start::kAuthAnswer ? Form::kSasl : Form::kOneLine, {});
}

// --- what the client says

void Transcript::FromClient(std::string_view bytes) {
  if (!opaque_) lines_.Feed(bytes);
  while (!opaque_) {
    std::string_view line;
    const LineReader::Event event = lines_.Next(&line);
    if (event == LineReader::Event::kNeedMore) return;
    if (event == LineReader::Event::kTooLong) {
      OnLineTooLong();
    } else {
      OnClientLine(line);
    }
    bytes = lines_.unread();
  }
  lines_.Discard();
  CountOpaque(Side::kClient, bytes.size());
}

void Transcript::OnClientLine(std::string_view line) {
  if (questions_ > 0) {
    --questions_;
    write_(line == "*" ? "C: *" : "C: ***");
    if (!expected_.empty()) HideFrom(expected_.front(), line);
    return;
  }
  const Command command = ParseCommand(line);
  // It may be the answer to a question that hasn't come yet.
  const std::string shown = sasl_expected_ > 0 ? std::string(kMask) : Shown(command);
  write_("C: " + shown);
  const bool masked = shown.find(kMask) != shown.npos;
  std::string_view hidden = masked ? line : "";
  if (masked && command.verb == Verb::kPass) hidden = command.argument;
  if (masked && command.verb == Verb::kAuth && sasl_expected_ == 0)
    hidden = command.argument.substr(command.argument.find(' ') + 1);
  const Form form = FormOf(command);
  Expect(form, hidden);
  // Servers say of which word they make nothing.
  const bool senseless = command.verb == Verb::kMalformed || form == Form::kUnknown;
  if (senseless && masked && !expected_.empty()) expected_.back().mute = true;
}

void Transcript::OnLineTooLong() {
  write_("C: [a line of more than " + Count(kSaslLineBytesMax, "byte") + "]");
  if (questions_ > 0) {
    --questions_;
  } else {
    Expect(Form::kOneLine, {});
  }
}

Transcript::Form Transcript::FormOf(const Command& command) {
  switch (command.verb) {
    case Verb::kRetr:
    case Verb::kTop:
      return Form::kMessage;
    case Verb::kAuth:
      return command.has_argument ? Form::kSasl : Form::kListing;
    case Verb::kUnknown:
      return EqualsIgnoringCase(command.keyword, "XCLIENT") ? Form::kOneLine : Form::kUnknown;
    default:
      return ExpectsMultiLine(command) ? Form::kListing : Form::kOneLine;
  }
}

// A word that is no command of ours may be a password on its own, sent too early or too late.
std::string Transcript::Shown(const Command& command) {
  const bool is_xclient = EqualsIgnoringCase(command.keyword, "XCLIENT");
  if (command.verb == Verb::kMalformed || (command.verb == Verb::kUnknown && !is_xclient))
    return std::string(kMask);
  std::string shown(command.keyword);
  if (!command.has_argument) return shown;
  shown += ' ';
  if (is_xclient) return shown + ShownXclient(command.argument);
  if (command.verb == Verb::kAuth) return shown + ShownAuth(command.argument);
  return shown.append(IsOpenArgument(command) ? Escaped(command.argument) : kMask);
}

std::string Transcript::ShownAuth(std::string_view argument) {
  const size_t blank = argument.find(' ');
  const std::string_view mechanism = argument.substr(0, blank);
  const bool known = FindMechanism(mechanism) || IsOneOf(mechanism, kOtherMechanisms);
  std::string shown(known ? mechanism : kMask);
  if (blank != argument.npos) shown.append(" ").append(kMask);
  return shown;
}

std::string Transcript::ShownXclient(std::string_view argument) {
  std::string shown;
  while (!argument.empty()) {
    const std::string_view word = argument.substr(0, argument.find(' '));
    argument.remove_prefix(std::min(word.size() + 1, argument.size()));
    const std::string_view name = word.substr(0, word.find('='));
    if (!shown.empty()) shown += ' ';
    if (name.size() < word.size() && IsOneOf(name, kOpenXclientNames)) {
      shown += Escaped(word);
    } else if (EqualsIgnoringCase(name, "FORWARD")) {
      shown.append(name).append("=").append(kMask);
    } else {
      shown += kMask;
    }
  }
  return shown.substr(0, kTranscriptLineBytesMax);
}

// --- what is due

void Transcript::Expect(Form form, std::string_view hidden) {
  if (expected_.size() == kTranscriptCommandsMax)
    return GoOpaque("too many commands wait for their answers");
  if (form == Form::kSasl) ++sasl_expected_;
  HideFrom(expected_.emplace_back(Expected{.form = form}), hidden);
}

void Transcript::Hide(std::string_view secret) {
  if (!expected_.empty()) HideFrom(expected_.front(), secret);
}

void Transcript::HideFrom(Expected& expected, std::string_view hidden) {
  if (hidden.empty()) return;
  if (hidden_bytes_ + hidden.size() > kTranscriptHiddenBytesMax) {
    expected.mute = true;
    return;
  }
  hidden_bytes_ += hidden.size();
  expected.hidden.emplace_back(hidden);
}

void Transcript::Forget(const Expected& expected) {
  for (const Secret& hidden : expected.hidden) hidden_bytes_ -= hidden.Expose().size();
}

Transcript::Expected Transcript::TakeExpected() {
  if (expected_.empty()) return {};
  Expected expected = std::move(expected_.front());
  expected_.pop_front();
  Forget(expected);
  if (expected.form == Form::kSasl) {
    --sasl_expected_;
    questions_ = 0;
  }
  return expected;
}

// --- what the server says

void Transcript::FromServer(std::string_view bytes) {
  while (!bytes.empty()) {
    if (opaque_) return CountOpaque(Side::kServer, bytes.size());
    bytes.remove_prefix(framer_.in_body() ? TakeBody(bytes) : TakeStatus(bytes));
  }
}

size_t Transcript::TakeStatus(std::string_view bytes) {
  const size_t newline = bytes.find('\n');
  const std::string_view piece = bytes.substr(0, newline == bytes.npos ? newline : newline + 1);
  if (status_.size() + piece.size() > kSaslLineBytesMax) {
    GoOpaque("not an answer: a line of more than " + Count(kSaslLineBytesMax, "byte"));
    CountOpaque(Side::kServer, status_.size());
    WipeStatus();
    return 0;
  }
  status_.append(piece);
  if (newline == bytes.npos) return piece.size();
  std::string_view line = status_;
  line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  OnStatus(line);
  WipeStatus();
  return piece.size();
}

void Transcript::OnStatus(std::string_view line) {
  const bool within_sasl = !expected_.empty() && expected_.front().form == Form::kSasl;
  if (within_sasl && IsQuestion(line)) return OnQuestion();
  const Expected expected = TakeExpected();
  lists_ = expected.form == Form::kListing;
  framer_ = {};
  framer_.Expect(lists_ || expected.form == Form::kMessage);
  framer_.Feed(status_);
  if (framer_.fault() != ReplyFramer::Fault::kNone) {
    GoOpaque("not an answer");
    return CountOpaque(Side::kServer, status_.size());
  }
  write_("S: " + ShownStatus(line, expected));
  body_lines_ = listed_ = 0;
  if (expected.form == Form::kUnknown && framer_.ok())
    GoOpaque("the answer to a command that is not understood");
}

// What was taken for a command is the answer, if anything has come.
void Transcript::OnQuestion() {
  write_(status_.starts_with("+ ") ? "S: + ***" : "S: +");
  if (expected_.size() == 1) {
    questions_ = std::min(questions_ + 1, kTranscriptCommandsMax);
    return;
  }
  Expected answer = std::move(expected_[1]);
  expected_.erase(expected_.begin() + 1);
  if (answer.form == Form::kSasl) --sasl_expected_;
  Forget(answer);
  for (const Secret& hidden : answer.hidden) HideFrom(expected_.front(), hidden.Expose());
  expected_.front().mute |= answer.mute;
}

std::string Transcript::ShownStatus(std::string_view line, const Expected& expected) {
  const bool repeats =
      std::any_of(expected.hidden.begin(), expected.hidden.end(),
                  [line](const Secret& hidden) { return Repeats(line, hidden.Expose()); });
  if (!expected.mute && !repeats) return Escaped(line);
  return std::string(line.starts_with('+') ? "+OK " : "-ERR ").append(kMask);
}

size_t Transcript::TakeBody(std::string_view bytes) {
  const ReplyFramer::Step step = framer_.Feed(bytes);
  const std::string_view piece = bytes.substr(0, step.consumed);
  if (lists_) TakeListing(piece);
  body_lines_ += static_cast<uint64_t>(std::count(piece.begin(), piece.end(), '\n'));
  if (step.complete) EndBody();
  return step.consumed;
}

void Transcript::TakeListing(std::string_view piece) {
  listing_.Feed(piece);
  for (;;) {
    std::string_view line;
    const LineReader::Event event = listing_.Next(&line);
    if (event == LineReader::Event::kNeedMore) return;
    if (listed_++ >= kTranscriptListingLinesMax || line == ".") continue;
    write_(event == LineReader::Event::kLine ? "S: " + Escaped(line) : "S: [a line too long]");
  }
}

// Its last line is the one with the dot.
void Transcript::EndBody() {
  const uint64_t lines = body_lines_ - 1;
  if (!lists_) {
    write_("S: [message: " + Count(framer_.body_bytes(), "byte") + ", " + Count(lines, "line") +
           "]");
  } else if (lines > kTranscriptListingLinesMax) {
    write_("S: [... " + Count(lines - kTranscriptListingLinesMax, "more line") + "]");
  }
  listing_.Discard();
}

// --- what isn't understood

void Transcript::GoOpaque(std::string_view why) {
  opaque_ = true;
  std::string text = "[";
  write_(text.append(why).append("; what follows is only counted]"));
}

void Transcript::CountOpaque(Side side, size_t bytes) {
  if (side != opaque_side_) FlushOpaque();
  opaque_side_ = side;
  opaque_bytes_ += bytes;
}

void Transcript::FlushOpaque() {
  if (opaque_bytes_ == 0) return;
  write_((opaque_side_ == Side::kClient ? "C: [opaque: " : "S: [opaque: ") +
         Count(opaque_bytes_, "byte") + "]");
  opaque_bytes_ = 0;
}

// --- how it ends

void Transcript::OnTls() {
  lines_.Discard();
  WipeStatus();
  expected_.clear();
  hidden_bytes_ = sasl_expected_ = questions_ = 0;
  write_("[TLS]");
}

void Transcript::End() {
  if (opaque_) return FlushOpaque();
  if (lines_.mid_line()) write_("C: [a line without its end]");
  if (framer_.in_body()) {
    write_("S: [cut off after " + Count(framer_.body_bytes(), "byte") + ", " +
           Count(body_lines_, "line") + "]");
  } else if (!status_.empty()) {
    write_("S: [an answer without its end]");
  }
}

void Transcript::WipeStatus() {
  Wipe(status_.data(), status_.size());
  status_.clear();
}

}  // namespace poplar::pop3
