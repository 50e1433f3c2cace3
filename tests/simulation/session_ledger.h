#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/io/address.h"
#include "tests/simulation/session_mail.h"
#include "tests/simulation/session_rules.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// What both ends of a Poplar know of one client's connection: what the client did and was told, and
// what the nodes saw of it. Filled in by client and nodes, judged by SessionLedger and the story.
struct Attempt {
  size_t id = 0;
  size_t user = 0;
  std::string name;     // the user's, as this client spells it
  io::Address address;  // the client's own

  // --- the client's side
  uint64_t bad_commands_sent = 0;
  bool wrong_password = false;  // in any of its logins
  std::optional<io::Time> first_pass_sent;
  io::Time pass_sent{};  // the latest
  bool sent_unknown_command = false;
  bool sent_last = false;  // LAST: nobody may ask it twice
  bool quit_sent = false;  // the whole line, or it is on its way
  // Commands before its QUIT had no answer yet: the node may have deleted what these are about when
  // it dies, and nobody has it any more.
  bool hurried = false;
  bool left = false;       // it closed, aborted or reset in some way
  bool logged_in = false;  // it was told so
  bool quit_answered = false;
  bool saw_end = false;       // read up to the orderly end
  bool told_of_move = false;  // at a boundary, instead of an answer
  uint64_t messages = 0;
  uint64_t bytes_received = 0;
  std::set<std::string> asked_to_delete;  // since the last RSET it sent
  std::set<std::string> may_be_deleted;   // of these, those before its QUIT
  std::set<std::string> marked;           // DELE answered +OK, since the last RSET answered so
  std::set<std::string> must_be_deleted;  // when its QUIT was answered +OK
  bool missed = false;                    // a message of its view was gone
  bool missed_mark = false;               // one that it had deleted

  // What it asked, or what became of its mail, allows no resumption.
  bool excused = false;

  // --- the nodes' side
  bool node_answered_quit = false;
  int quits_at_nodes = 0;             // that may be its own
  std::optional<io::Time> node_seen;  // when a node last heard or said something in its session
  // A node broke the protocol to a session of this user in a way that no proxy can see (an answer
  // too many within a pipeline): what the user's clients read from then on proves nothing.
  bool node_lied = false;
};

// All attempts of a world. Every check fails the world by itself.
class SessionLedger {
 public:
  SessionLedger(World& world, SessionMail& mail, const SessionRules& rules)
      : world_(world), mail_(mail), rules_(rules), actor_(world.log().AddActor("client")) {}

  Attempt& Begin(size_t user, size_t spelling);
  Attempt& At(size_t id);
  const std::deque<Attempt>& attempts() const { return attempts_; }
  std::deque<Attempt>& attempts() { return attempts_; }
  Attempt* FindByAddress(const io::Address& client);
  SessionMail& mail() { return mail_; }
  World& world() { return world_; }

  // A node has accepted the name with its right password.
  void OnNodeAccepted(size_t user, std::string_view name);
  bool NodeAccepted(const Attempt& attempt) const;
  // A node tells somebody lies in a session of the user's.
  void LieTo(size_t user);
  // A node says [SYS/TEMP] to a command in a session of the user's.
  void OnTrouble(size_t user) { ++troubles_[user]; }
  // How often that was, in all of the user's sessions.
  uint64_t TroublesOf(const Attempt& attempt) const;
  // Whether a session of the attempt's can go on elsewhere, once its messages are known.
  bool Resumes(const Attempt& attempt) const {
    return rules_.resumes() && !attempt.sent_last && !attempt.sent_unknown_command;
  }
  // Whether the client may have sent QUIT in a session of that name. `marked`: what the node is
  // about to delete for it.
  static bool MayCommit(const Attempt& attempt, const std::set<std::string>& marked);

  // Whether nodes may disagree about the users' mail.
  bool caches_are_old() const { return rules_.stale > io::Duration(0); }
  // When the attempt's view of the maildrop was taken at the earliest.
  io::Time OldestView(const Attempt& attempt) const;
  // Whether another client, or another program, may have removed the message.
  bool TakenByOthers(const Attempt& attempt, const OriginalMessage& message) const;
  // Whether the user's maildrop has changed by others' doing.
  bool ChangedByOthers(const Attempt& attempt) const;
  // Whether a node may not know yet of a message that another one has shown the client.
  bool MayBeUnknown(const Attempt& attempt, const OriginalMessage& message) const;
  // Whether a resumed session may find the message gone.
  bool MayMiss(const Attempt& attempt, const OriginalMessage& message) const;

  // The same of one that the client has deleted, while a node still has to be told so.
  bool MayMissMark(const Attempt& attempt) const;

  // A client was told +OK to a QUIT in the TRANSACTION state.
  void OnQuitAnswered(Attempt& attempt);
  // At the end: what is gone is what somebody may have deleted, and what somebody must have.
  void JudgeDeletions();

  // For the log.
  void Note(const Attempt& attempt, const std::string& text);
  void Fail(const Attempt& attempt, std::string_view text);

 private:
  World& world_;
  SessionMail& mail_;
  const SessionRules& rules_;
  const int actor_;
  std::deque<Attempt> attempts_;
  std::set<std::pair<size_t, std::string>> accepted_;
  std::set<size_t> lied_to_;
  std::map<size_t, uint64_t> troubles_;  // by user
};

}  // namespace poplar::simulation
