#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/question.h"
#include "tests/simulation/session_ledger.h"

namespace poplar::simulation {

// The maildrop as a client has been told that it is, frozen at its login (RFC 1939 section 8), and
// the judge of whatever else it is told: numbers stay, bytes are the stored ones, nothing appears,
// nothing is hidden. Where sessions are resumed a message that another session has taken away may
// vanish, and no other.
//
// It knows only what the client was told: a count, numbers one by one, or the whole listing.
class ClientView {
 public:
  ClientView(SessionLedger& ledger, Attempt& attempt) : ledger_(ledger), attempt_(attempt) {}

  // An answer to a question about messages, with its end. Returns what is wrong; empty: nothing.
  std::string_view Judge(const Question& question, std::string_view status, std::string_view body);
  // An answer that broke off: what came of its body. True: it can be the beginning of the right
  // one.
  bool CanBegin(const Question& question, std::string_view part);
  void Unmark();  // RSET

  // Null: it doesn't know which message has that number.
  const OriginalMessage* Find(uint32_t number) const;
  // Whether the client can ask for messages by number, and how many there are for it.
  bool sized() const { return sized_; }
  // It has seen a whole listing with unique ids.
  bool listed() const { return identified_; }
  uint32_t size() const { return static_cast<uint32_t>(entries_.size()); }

 private:
  struct Entry {
    const OriginalMessage* message = nullptr;  // none: not known which
    bool deleted = false;
  };

  std::string_view JudgeStat(std::string_view status);
  bool JudgeCount(uint64_t count) const;
  std::string_view JudgeListing(const Question& question, std::string_view body);
  std::string_view JudgeListed(const Question& question, std::string_view line, uint32_t* last);
  std::string_view JudgeOne(const Question& question, std::string_view status,
                            std::string_view body);
  std::string_view JudgeRefusal(uint32_t number);
  std::string_view Mark(uint32_t number);
  // Which message an answer is about, by what it says.
  const OriginalMessage* Identify(const Question& question, std::string_view status,
                                  std::string_view body) const;
  // False: the client has been told otherwise.
  bool Learn(uint32_t number, const OriginalMessage& message);
  Entry* EntryOf(uint32_t number);
  bool MayMiss(const Entry& entry) const;
  size_t MayHaveVanished() const;
  std::string_view JudgeWholeness() const;
  bool WasThere(const OriginalMessage& message) const;

  SessionLedger& ledger_;
  Attempt& attempt_;
  std::vector<Entry> entries_;
  bool sized_ = false;       // no more entries come
  bool listed_ = false;      // a whole listing was seen
  bool identified_ = false;  // and one of UIDL
};

}  // namespace poplar::simulation
