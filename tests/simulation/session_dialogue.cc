#include "tests/simulation/session_dialogue.h"

#include <algorithm>

#include "proxy/pop3/reply.h"

namespace poplar::simulation {
namespace {

using Kind = Question::Kind;

constexpr std::string_view kCrlf = "\r\n";
constexpr std::string_view kTerminator = "\r\n.\r\n";

// Behind these Poplar says nothing more.
bool IsFarewell(std::string_view status) {
  const auto is = [status](std::string_view line) {
    return status == line.substr(0, line.size() - kCrlf.size());
  };
  return is(pop3::kReplyDraining) || is(pop3::kReplyMoved) || is(pop3::kReplyKicked) ||
         is(pop3::kReplyNodeLost) || is(pop3::kReplyTooManyBadCommands);
}

bool TellsOfMove(std::string_view status) {
  return status == pop3::kReplyMoved.substr(0, pop3::kReplyMoved.size() - kCrlf.size());
}

}  // namespace

void SessionDialogue::OnSent(const Question& question) {
  asked_.push_back(question);
  asked_.back().troubles = ledger_.TroublesOf(attempt_);
  const std::string line = question.Line();
  ledger_.Note(attempt_, "asks " + line.substr(0, line.find_first_of("\r\n")));
  switch (question.kind) {
    case Kind::kDele:
      if (const OriginalMessage* message = view_.Find(question.number);
          message != nullptr && !attempt_.quit_sent) {
        attempt_.asked_to_delete.insert(message->unique_id);
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
    case Kind::kLast:
      attempt_.sent_last = true;
      break;
    case Kind::kUnknown:
      attempt_.sent_unknown_command = true;
      break;
    case Kind::kQuit:
      if (attempt_.quit_sent) break;
      attempt_.quit_sent = true;
      attempt_.hurried = asked_.size() > 1;
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
  if (!unasked && ok && asked_.front().IsMultiLine()) {
    const size_t at = in_.find(kTerminator, std::max(end, searched_));
    if (at == std::string::npos) {
      searched_ = in_.size() < kTerminator.size() ? 0 : in_.size() - kTerminator.size();
      return false;
    }
    size = at + kTerminator.size();
  }
  attempt_.told_of_move |= TellsOfMove(status);
  const std::string body = in_.substr(end + kCrlf.size(), size - end - kCrlf.size());
  in_.erase(0, size);
  searched_ = 0;
  if (unasked) return TakeUnasked(status);
  const Question question = asked_.front();
  asked_.pop_front();
  ledger_.Note(attempt_, "is told " + status);
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
    case Kind::kTag:
    case Kind::kNoop:
      break;
    default:
      Require(!ok, "answered before login", question, status);
  }
}

void SessionDialogue::JudgeTransaction(const Question& question, bool ok, std::string_view status,
                                       std::string_view body) {
  const bool trouble = status.starts_with("-ERR [SYS/TEMP]");
  if (trouble && question.kind != Kind::kQuit) {
    return JudgeTrouble(question, status);
  }
  switch (question.kind) {
    case Kind::kUser:
    case Kind::kPass:
    case Kind::kLast:
    case Kind::kMalformed:
    case Kind::kUnknown:
      return Require(!ok, "accepted", question, status);
    case Kind::kCapa:
      return Require(ok && body.find("IMPLEMENTATION") != body.npos, "no CAPA", question, status);
    case Kind::kTag:
    case Kind::kNoop:
      return Require(status == "+OK", "out of order", question, status);
    case Kind::kRset:
      view_.Unmark();
      return Require(status == "+OK", "out of order", question, status);
    case Kind::kQuit:
      return JudgeQuit(question, ok, status);
    default:
      break;
  }
  const std::string_view wrong = view_.Judge(question, status, body);
  Require(wrong.empty(), wrong, question, status);
}

// Where another node may do better, two more are asked before the client is told.
void SessionDialogue::JudgeTrouble(const Question& question, std::string_view status) {
  const uint64_t times = ledger_.TroublesOf(attempt_) - question.troubles;
  // CAPA is held back and filtered, and not worth the effort.
  const bool resumes = ledger_.Resumes(attempt_) && view_.listed() && question.kind != Kind::kCapa;
  Require(times >= (resumes ? 3 : 1), "trouble that nodes didn't tell so often", question, status);
}

void SessionDialogue::JudgeQuit(const Question& question, bool ok, std::string_view status) {
  finished_ = true;
  if (ok) ledger_.OnQuitAnswered(attempt_);
  if (std::string(status) + std::string(kCrlf) != pop3::kReplyMarksMissed) return;
  attempt_.missed_mark = true;
  Require(ledger_.MayMissMark(attempt_), "a deletion is doubted without need", question, status);
}

// What came of an answer without its end must be its beginning nevertheless.
void SessionDialogue::OnEnd(bool orderly) {
  attempt_.saw_end = orderly;
  if (attempt_.node_lied || in_.empty() || asked_.empty() || !attempt_.logged_in) return;
  const Question& question = asked_.front();
  const size_t end = in_.find(kCrlf);
  if (end == std::string::npos || !in_.starts_with("+OK")) return;
  Require(view_.CanBegin(question, std::string_view(in_).substr(end + kCrlf.size())),
          "the beginning of another message", question, in_.substr(0, end));
}

}  // namespace poplar::simulation
