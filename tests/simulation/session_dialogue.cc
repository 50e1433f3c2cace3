#include "tests/simulation/session_dialogue.h"

#include <algorithm>

#include "proxy/demo/message_text.h"
#include "proxy/pop3/reply.h"

namespace poplar::simulation {
namespace {

using Kind = Question::Kind;

constexpr std::string_view kCrlf = "\r\n";
constexpr std::string_view kTerminator = "\r\n.\r\n";

bool IsMultiLine(Kind kind) {
  return kind == Kind::kCapa || kind == Kind::kList || kind == Kind::kUidl || kind == Kind::kRetr ||
         kind == Kind::kTop;
}

// Behind these Poplar says nothing more.
bool IsFarewell(std::string_view status) {
  const auto is = [status](std::string_view line) {
    return status == line.substr(0, line.size() - kCrlf.size());
  };
  return is(pop3::kReplyDraining) || is(pop3::kReplyNodeLost) || is(pop3::kReplyTooManyBadCommands);
}

}  // namespace

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
    case Kind::kTag:
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
    case Kind::kQuit:
      return "QUIT\r\n";
  }
  return "";
}

void SessionDialogue::OnSent(const Question& question) {
  asked_.push_back(question);
  switch (question.kind) {
    case Kind::kDele:
      if (const Entry* entry = EntryOf(question.number); entry != nullptr && !attempt_.quit_sent) {
        attempt_.asked_to_delete.insert(entry->message->unique_id);
      }
      break;
    case Kind::kRset:
      attempt_.asked_to_delete.clear();
      break;
    case Kind::kPass:
      attempt_.pass_sent = ledger_.world().Now();
      if (!attempt_.first_pass_sent) attempt_.first_pass_sent = attempt_.pass_sent;
      attempt_.wrong_password |= question.text != SessionMail::kPassword;
      break;
    case Kind::kUser:
    case Kind::kMalformed:
      ++attempt_.bad_commands_sent;
      break;
    case Kind::kUnknown:
      attempt_.sent_unknown_command = true;
      break;
    case Kind::kQuit:
      if (attempt_.quit_sent) break;
      attempt_.quit_sent = true;
      attempt_.may_be_deleted = attempt_.asked_to_delete;
      break;
    default:
      break;
  }
}

void SessionDialogue::Feed(std::string_view bytes) {
  attempt_.bytes_received += bytes.size();
  if (attempt_.node_lied) {
    bytes_behind_lie_ += bytes.size();
    in_.clear();
    return;
  }
  in_.append(bytes);
  while (!in_.empty() && TakeAnswer()) {
  }
}

bool SessionDialogue::TakeAnswer() {
  const size_t end = in_.find(kCrlf);
  if (end == std::string::npos) return false;
  const std::string status = in_.substr(0, end);
  const bool ok = status.starts_with("+OK");
  if (!ok && !status.starts_with("-ERR")) ledger_.Fail(attempt_, "not a status line: " + status);
  if (finished_) ledger_.Fail(attempt_, "bytes behind the last word: " + status);
  const bool unasked = !greeted_ || asked_.empty();
  size_t size = end + kCrlf.size();
  if (!unasked && ok && IsMultiLine(asked_.front().kind)) {
    const size_t at = in_.find(kTerminator, std::max(end, searched_));
    if (at == std::string::npos) {
      searched_ = in_.size() < kTerminator.size() ? 0 : in_.size() - kTerminator.size();
      return false;
    }
    size = at + kTerminator.size();
  }
  const std::string body = in_.substr(end + kCrlf.size(), size - end - kCrlf.size());
  in_.erase(0, size);
  searched_ = 0;
  if (unasked) return TakeUnasked(status);
  const Question question = asked_.front();
  asked_.pop_front();
  Judge(question, status, body);
  return true;
}

bool SessionDialogue::TakeUnasked(std::string_view status) {
  if (!greeted_) {
    greeted_ = true;
    if (!status.starts_with("+OK")) finished_ = true;
    return true;
  }
  finished_ = true;
  if (!IsFarewell(status)) ledger_.Fail(attempt_, "an answer to nothing: " + std::string(status));
  return true;
}

void SessionDialogue::Require(bool condition, std::string_view text, const Question& question,
                              std::string_view status) {
  if (condition) return;
  std::string asked = question.Line();
  asked.resize(asked.find_last_not_of("\r\n") + 1);
  ledger_.Fail(attempt_,
               std::string(text) + ": \"" + asked + "\" got \"" + std::string(status) + "\"");
}

void SessionDialogue::Judge(const Question& question, std::string_view status,
                            std::string_view body) {
  const bool ok = status.starts_with("+OK");
  if (IsFarewell(status)) {
    finished_ = true;
  } else if (attempt_.logged_in) {
    JudgeTransaction(question, ok, status, body);
  } else {
    JudgeBeforeLogin(question, ok, status);
  }
}

void SessionDialogue::JudgeBeforeLogin(const Question& question, bool ok, std::string_view status) {
  switch (question.kind) {
    case Kind::kPass:
      if (ok) {
        attempt_.logged_in = true;
        Require(ledger_.NodeAccepted(attempt_), "logged in where no node agreed", question, status);
        Require(question.text == SessionMail::kPassword, "logged in with a wrong password",
                question, status);
      } else {
        ++login_failures_;
        temporary_ = !status.starts_with("-ERR [AUTH]");
      }
      break;
    case Kind::kQuit:
      Require(ok, "QUIT before login", question, status);
      finished_ = true;
      break;
    case Kind::kUser:
    case Kind::kCapa:
    case Kind::kNoop:
      break;
    default:
      Require(!ok, "answered before login", question, status);
  }
}

void SessionDialogue::JudgeTransaction(const Question& question, bool ok, std::string_view status,
                                       std::string_view body) {
  switch (question.kind) {
    case Kind::kUser:
    case Kind::kPass:
    case Kind::kLast:
    case Kind::kMalformed:
    case Kind::kUnknown:
      return Require(!ok, "accepted", question, status);
    case Kind::kCapa:
      return Require(ok && body.find("IMPLEMENTATION") != body.npos, "no CAPA", question, status);
    case Kind::kNoop:
      return Require(status == "+OK", "out of order", question, status);
    case Kind::kRset:
      for (Entry& entry : drop_) entry.deleted = false;
      attempt_.marked.clear();
      return Require(status == "+OK", "out of order", question, status);
    case Kind::kStat: {
      if (!listed_) return Require(ok, "no STAT", question, status);
      size_t count = 0;
      size_t bytes = 0;
      for (const Entry& entry : drop_) {
        if (entry.deleted) continue;
        ++count;
        bytes += entry.message->text.size();
      }
      const std::string right = "+OK " + std::to_string(count) + " " + std::to_string(bytes);
      return Require(status == right, "wrong STAT", question, status);
    }
    case Kind::kUidl:
    case Kind::kList:
      Require(ok && status.ends_with(" messages"), "out of order", question, status);
      if (question.kind == Kind::kUidl && !listed_) LearnList(body);
      return JudgeListing(question, body);
    case Kind::kTag:
      return Require(!ok, "out of order", question, status);
    case Kind::kQuit:
      return JudgeQuit(ok);
    default:
      return JudgeOfMessage(question, ok, status, body);
  }
}

void SessionDialogue::JudgeOfMessage(const Question& question, bool ok, std::string_view status,
                                     std::string_view body) {
  if (!listed_) return;
  Entry* entry = EntryOf(question.number);
  const bool there = entry != nullptr && !entry->deleted;
  Require(ok == there, there ? "refused" : "a message that isn't there", question, status);
  if (!there) return;
  const std::string octets = "+OK " + std::to_string(entry->message->text.size()) + " octets";
  switch (question.kind) {
    case Kind::kRetr:
      Require(status == octets, "out of order", question, status);
      Require(body == entry->message->wire, "another message than the stored one", question,
              status);
      ++attempt_.messages;
      break;
    case Kind::kTop:
      Require(body == WireOf(question, *entry->message), "another text", question, status);
      break;
    case Kind::kDele:
      Require(status == "+OK Marked", "out of order", question, status);
      entry->deleted = true;
      attempt_.marked.insert(entry->message->unique_id);
      break;
    default:
      Require(status == "+OK " + ListingLine(question, question.number - 1), "out of order",
              question, status);
  }
}

void SessionDialogue::JudgeQuit(bool ok) {
  finished_ = true;
  if (ok) ledger_.OnQuitAnswered(attempt_);
}

void SessionDialogue::LearnList(std::string_view body) {
  listed_ = true;
  while (!body.starts_with(".")) {
    const size_t end = body.find(kCrlf);
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(end + kCrlf.size());
    const std::string_view unique_id = line.substr(line.find(' ') + 1);
    const OriginalMessage* message = ledger_.mail().Find(attempt_.user, unique_id);
    if (message == nullptr) ledger_.Fail(attempt_, "mail of somebody else's: " + std::string(line));
    drop_.push_back({message});
  }
  // Mail is only ever taken away here: a view may be older than the truth, but not hide anything.
  for (const OriginalMessage& message : ledger_.mail().users()[attempt_.user].messages) {
    const bool seen = std::any_of(drop_.begin(), drop_.end(), [&message](const Entry& entry) {
      return entry.message == &message;
    });
    if (!seen && ledger_.mail().StillThere(attempt_.user, message.unique_id))
      ledger_.Fail(attempt_, "a message is hidden that is still there: " + message.unique_id);
  }
}

void SessionDialogue::JudgeListing(const Question& question, std::string_view body) {
  if (!listed_) return;
  std::string right;
  for (size_t i = 0; i < drop_.size(); ++i) {
    if (!drop_[i].deleted) right += ListingLine(question, i) + "\r\n";
  }
  Require(body == right + ".\r\n", "wrong listing", question, body);
}

std::string SessionDialogue::ListingLine(const Question& question, size_t index) const {
  const OriginalMessage& message = *drop_[index].message;
  const bool unique_id = question.kind == Kind::kUidl || question.kind == Kind::kUidlOne;
  return std::to_string(index + 1) + " " +
         (unique_id ? message.unique_id : std::to_string(message.text.size()));
}

std::string SessionDialogue::WireOf(const Question& question,
                                    const OriginalMessage& message) const {
  if (question.kind == Kind::kRetr) return message.wire;
  return StuffedWithTerminator(demo::TopOf(message.text, question.lines));
}

SessionDialogue::Entry* SessionDialogue::EntryOf(uint32_t number) {
  return number == 0 || number > drop_.size() ? nullptr : &drop_[number - 1];
}

// What came of an answer without its end must be its beginning nevertheless.
void SessionDialogue::OnEnd(bool orderly) {
  attempt_.saw_end = orderly;
  if (attempt_.node_lied || in_.empty() || asked_.empty()) return;
  const Question& question = asked_.front();
  const size_t end = in_.find(kCrlf);
  if (end == std::string::npos || !in_.starts_with("+OK") || !listed_) return;
  const std::string_view part = std::string_view(in_).substr(end + kCrlf.size());
  if (question.kind != Kind::kRetr && question.kind != Kind::kTop) return;
  const Entry* entry = EntryOf(question.number);
  Require(entry != nullptr && WireOf(question, *entry->message).starts_with(part),
          "the beginning of another message", question, in_.substr(0, end));
}

}  // namespace poplar::simulation
