#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/session_ledger.h"

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
    kTag,      // tells the node which attempt it serves: LIST of a message that nobody can have
    kQuit,
  };
  static constexpr uint32_t kTagBase = 1'000'000;  // the tag's number is above it

  Kind kind;
  uint32_t number = 0;    // of a message
  uint32_t lines = 0;     // of TOP
  std::string text = {};  // of USER and PASS

  std::string Line() const;  // with CRLF
};

// A client's view of its dialogue: takes the answers apart, in the order of the questions, and
// fails the world when one is not what it must be. Sans-I/O.
class SessionDialogue {
 public:
  SessionDialogue(SessionLedger& ledger, Attempt& attempt) : ledger_(ledger), attempt_(attempt) {}

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
  // Whether the messages' unique ids are known, and how many messages there are.
  bool listed() const { return listed_; }
  uint32_t message_count() const { return static_cast<uint32_t>(drop_.size()); }
  // No later answer is due: QUIT was answered, or Poplar has said its last word.
  bool finished() const { return finished_; }
  // What came since a node lied; the client has to give up some time.
  size_t bytes_behind_lie() const { return bytes_behind_lie_; }
  // Every question got its answer.
  bool all_answered() const { return greeted_ && asked_.empty(); }

 private:
  struct Entry {
    const OriginalMessage* message;
    bool deleted = false;
  };

  // Takes one answer off in_; false if it isn't there whole.
  bool TakeAnswer();
  bool TakeUnasked(std::string_view status);
  void Judge(const Question& question, std::string_view status, std::string_view body);
  void JudgeBeforeLogin(const Question& question, bool ok, std::string_view status);
  void JudgeTransaction(const Question& question, bool ok, std::string_view status,
                        std::string_view body);
  void JudgeOfMessage(const Question& question, bool ok, std::string_view status,
                      std::string_view body);
  void JudgeQuit(bool ok);
  void LearnList(std::string_view body);
  void JudgeListing(const Question& question, std::string_view body);
  std::string ListingLine(const Question& question, size_t index) const;
  std::string WireOf(const Question& question, const OriginalMessage& message) const;
  Entry* EntryOf(uint32_t number);
  void Require(bool condition, std::string_view text, const Question& question,
               std::string_view status);

  SessionLedger& ledger_;
  Attempt& attempt_;
  std::deque<Question> asked_;
  std::string in_;
  size_t searched_ = 0;  // for the terminator, in in_
  std::vector<Entry> drop_;
  bool greeted_ = false;
  bool listed_ = false;
  bool finished_ = false;
  bool temporary_ = false;
  size_t login_failures_ = 0;
  size_t bytes_behind_lie_ = 0;
};

}  // namespace poplar::simulation
