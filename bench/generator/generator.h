#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bench/generator/arrivals.h"
#include "bench/generator/client.h"
#include "bench/generator/tally.h"

namespace poplar::bench {

struct Load {
  sockaddr_storage server{};
  unsigned sources = 1;  // addresses 127.1.0.1 ... to connect from; 0: the kernel's choice
  bool tls = true;
  bool resume = false;
  DialogueOptions dialogue;
  unsigned messages_most = 0;  // a session fetches dialogue.messages up to so many; 0: just those
  unsigned clients = 16;       // sessions at once, at most
  unsigned opening = 64;       // of them on their way to the login, where they are held
  double rate = 0;             // new sessions a second, at random moments; 0: each behind the last
  double swell = 0;            // of the rate, see Arrivals
  std::chrono::nanoseconds warm_up{};  // what begins in it doesn't count
  std::chrono::nanoseconds duration{};
  uint64_t sessions = 0;  // instead of a duration: so many count, behind so many that don't
  uint64_t warm_up_sessions = 0;
  unsigned users = 1000;
  unsigned first_user = 0;
  bool own_user = false;  // each client is one user; else they take turns
  uint64_t seed = 1;
  std::string journal;  // where each message is written down; empty: nowhere
};

// Runs sessions against one server, in one thread. In an open loop a session's time begins when it
// was due, whether or not a client was free: what a slow server keeps waiting is counted.
class Generator {
 public:
  explicit Generator(const Load& load);
  ~Generator();

  // Until all have ended. The report as JSON; empty, with the reason on standard error, where the
  // journal can't be written.
  std::string Run();

  // For each line on standard input, which says how many sessions, that many in a closed loop, and
  // a line with their report. Clients keep their TLS sessions from one turn to the next.
  void RunInTurns();

  // Logs all clients in, says so, holds them until standard input ends, and logs them out.
  std::string Hold();

  uint64_t failed() const { return tally_.failed(); }

 private:
  using Time = Client::Time;

  void BeginDue(Time now);
  void Begin(size_t client, Time due, Time now);
  DialogueOptions NextDialogue();
  void Register(size_t client);
  bool MoreToBegin(Time now) const;
  bool Counts(Time due) const;
  // Until the next arrival is due, a client can do something, or a second has passed.
  void Wait(Time now);
  void Handle(size_t client, Client::Progress progress);
  void LookForTheStuck(Time now);
  void OpenUntilHeld();
  void ReleaseAll();

  const Load load_;
  const Arrivals arrivals_;
  TlsContext context_;
  std::unique_ptr<MessageJournal> journal_;
  Client::Settings settings_;
  Tally tally_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<size_t> free_;
  std::vector<sockaddr_storage> sources_;
  std::mt19937_64 random_;
  int epoll_ = -1;
  Time start_;
  Time next_due_;
  Time looked_;
  uint64_t begun_ = 0;
  uint64_t last_ = 0;  // of `begun_`; 0: until the time is over
  uint64_t held_ = 0;
};

}  // namespace poplar::bench
