#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace poplar::bench {

// How a reply ends: with its first line, or with a line of a single dot. A -ERR is one line always.
enum class Answer : uint8_t { kLine, kLines };

// What is sent at once, and what has to be answered before the next step.
struct Step {
  std::string name;      // under which its time is counted
  std::string commands;  // whole lines; empty: the server speaks by itself
  std::vector<Answer> answers;
};

using Dialogue = std::vector<Step>;

enum class Kind : uint8_t {
  kLogin,     // USER, PASS, QUIT
  kPoll,      // and STAT, UIDL, LIST: what a client does that finds nothing new
  kDownload,  // login, STAT, RETR of some messages, QUIT
  kFetch,     // a poll that finds some messages, and RETR of them
  kHold,      // a login alone: the session is held, and ended when it is told to
};

struct DialogueOptions {
  Kind kind = Kind::kLogin;
  unsigned messages = 1;   // kDownload, kFetch
  bool pipelined = false;  // all RETRs are sent at once
};

// From the greeting to the end, QUIT included but for kHold.
Dialogue MakeDialogue(const DialogueOptions& options, std::string_view user,
                      std::string_view password);

// What ends a session that was held.
Step QuitStep();

}  // namespace poplar::bench
