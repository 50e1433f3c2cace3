#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/io/socket_stream.h"
#include "proxy/io/sync.h"
#include "proxy/io/task.h"
#include "tests/simulation/client_habit.h"
#include "tests/simulation/session_dialogue.h"
#include "tests/simulation/sim_proactor.h"

namespace poplar::simulation {

enum class SessionTemper : uint8_t {
  kSteady,         // asks, reads, QUITs, reads to the end
  kHalfCloses,     // no more writes behind the last command, QUIT or not, and reads to the end
  kCloses,         // gone at any byte, without QUIT or in the middle of it
  kResets,         // the same with an RST
  kSlow,           // reads with pauses
  kStalls,         // doesn't read for longer than anybody waits
  kIdles,          // logs in and says nothing more
  kWrongPassword,  // until it is thrown out
  kImpatient,      // gone soon after its PASS, answered or not
};
inline constexpr int kSessionTempers = 9;

// How a client is; drawn by the story.
struct ClientPlan {
  size_t user = 0;
  size_t spelling = 0;  // of the user's name
  SessionTemper temper = SessionTemper::kSteady;
  ClientHabit habit = ClientHabit::kRandom;
  bool eager = false;       // commands in the same packet as PASS
  bool deletes = false;     // what it has read
  bool only_reads = false;  // no DELE at all, so that its session may be parked
  bool asks_no_uidl = false;
  bool quits = true;
  bool talks_on = false;        // commands behind its QUIT
  io::Duration thinks{};        // at most, before it asks on
  double tags = 0;              // a command: says before it who it is
  bool goes_opaque = false;     // a command that nobody knows
  size_t depth = 1;             // commands in flight
  size_t commands = 10;         // beside the login
  size_t cut_after = 0;         // kCloses, kResets: bytes
  size_t give_up_after = 1000;  // bytes of an answer that makes no sense
  int connections_max = 1;      // it comes again until it got what it wanted
  int polls = 1;                // and then again for its next look at the mail
  io::Duration poll_pause_max = std::chrono::seconds(3);
  double mistypes = 0;  // the password, in a login
  io::Duration start_after{};
  // Longest that PASS may take to be answered; longer ones than the network's delays allow to tell
  // are none.
  std::optional<io::Duration> login_patience;
  // Longest silence while an answer is due, and while none is. What Poplar may take: the sum of
  // its deadlines.
  io::Duration answer_patience{};
  io::Duration idle_patience{};
  // Its machine or the network may fall silent: then impatience proves nothing.
  bool may_be_cut_off = false;
};

// A mail client with a will of its own.
class SessionClient {
 public:
  SessionClient(SimProactor& proactor, SessionLedger& ledger, io::Address poplar,
                const ClientPlan& plan, SeededRandom random);

  io::Task<void> Run();

  const ClientPlan& plan() const { return plan_; }
  bool done() const { return done_; }
  // In each of its polls a connection had all its answers: up to the QUIT's, if it wanted to send
  // one.
  bool satisfied() const { return done_ && !disappointed_; }
  const Attempt& last_attempt() const { return *attempt_; }
  const std::vector<const Attempt*>& attempts() const { return attempts_; }
  // Some login succeeded.
  bool served() const { return served_; }

 private:
  io::Task<void> Connect();
  io::Task<void> Write();
  io::Task<void> Read();
  io::Task<void> TalkAsDrawn();
  io::Task<bool> LogIn();
  std::string DrawPassword();
  Question Tag() const;
  void JudgeLoginTime();
  // Sends; false when nothing more can be sent.
  io::Task<bool> Ask(std::vector<Question> questions);
  io::Task<bool> AskInTurn(std::vector<Question> questions);
  io::Task<void> Leave();
  // Until at most so many questions are open.
  io::Task<void> WaitUntilOpen(size_t most);
  std::vector<Question> Opening() const;
  std::vector<Question> Errand();
  std::vector<Question> DrawQuestions();
  Question DrawQuestion();
  void RearmPatience();
  static void OnImpatience(void* context);
  bool over() const { return reader_done_ || left_; }

  SimProactor& proactor_;
  World& world_;
  SessionLedger& ledger_;
  const io::Address poplar_;
  const ClientPlan plan_;
  SeededRandom random_;

  // Of the connection that is.
  Attempt* attempt_ = nullptr;
  std::vector<const Attempt*> attempts_;  // all up to it
  std::optional<SessionDialogue> dialogue_;
  std::unique_ptr<io::SocketStream> stream_;
  io::SocketId socket_ = io::SocketId::kNone;
  std::vector<Question> opening_;  // what is left of it after the login
  size_t sent_ = 0;
  bool left_ = false;
  bool cut_off_ = false;  // a write met a reset
  bool reader_done_ = false;
  bool stalling_ = false;
  int pauses_left_ = 0;

  io::Event news_;  // an answer, or the end
  io::Timer patience_;
  bool done_ = false;
  bool satisfied_ = false;  // by the connection that is
  bool disappointed_ = false;
  bool served_ = false;
};

}  // namespace poplar::simulation
