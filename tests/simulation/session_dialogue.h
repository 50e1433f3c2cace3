#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "tests/simulation/client_view.h"
#include "tests/simulation/question.h"
#include "tests/simulation/session_ledger.h"

namespace poplar::simulation {

// A client's view of its dialogue: takes the answers apart, in the order of the questions, and
// fails the world when one is not what it must be. Sans-I/O.
class SessionDialogue {
 public:
  SessionDialogue(SessionLedger& ledger, Attempt& attempt)
      : ledger_(ledger), attempt_(attempt), view_(ledger, attempt) {}

  // The question's last byte is about to be sent.
  void OnSent(const Question& question);
  void Feed(std::string_view bytes);
  // Nothing more comes. `orderly`: not by an error.
  void OnEnd(bool orderly);

  bool greeted() const { return greeted_; }
  size_t outstanding() const { return asked_.size() + (greeted_ ? 0 : 1); }
  // Answers to PASS.
  size_t logins_answered() const { return login_failures_ + (attempt_.logged_in ? 1 : 0); }
  size_t login_failures() const { return login_failures_; }
  // The last login was refused for no fault of the credential's.
  bool temporary() const { return temporary_; }
  const ClientView& view() const { return view_; }
  // No later answer is due: QUIT was answered, or Poplar has said its last word.
  bool finished() const { return finished_; }
  // What came since a node lied; the client has to give up some time.
  size_t bytes_behind_lie() const { return bytes_behind_lie_; }
  // Every question got its answer.
  bool all_answered() const { return greeted_ && asked_.empty(); }

 private:
  // Takes one answer off in_; false if it isn't there whole.
  bool TakeAnswer();
  bool TakeUnasked(std::string_view status);
  void Judge(const Question& question, std::string_view status, std::string_view body);
  void JudgeBeforeLogin(const Question& question, bool ok, std::string_view status);
  void JudgeTransaction(const Question& question, bool ok, std::string_view status,
                        std::string_view body);
  void JudgeTrouble(const Question& question, std::string_view status);
  void JudgeQuit(const Question& question, bool ok, std::string_view status);
  void Require(bool condition, std::string_view text, const Question& question,
               std::string_view status);

  SessionLedger& ledger_;
  Attempt& attempt_;
  std::deque<Question> asked_;
  std::string in_;
  size_t searched_ = 0;  // for the terminator, in in_
  ClientView view_;
  bool greeted_ = false;
  bool finished_ = false;
  bool temporary_ = false;
  size_t login_failures_ = 0;
  size_t bytes_behind_lie_ = 0;
};

}  // namespace poplar::simulation
