#pragma once

#include <sys/types.h>

#include <vector>

#include "bench/load/pop3_client.h"

namespace poplar::bench {

struct IdleSettings {
  Target target;
  unsigned sessions = 10000;
  unsigned users = 10000;  // session i logs in as user i modulo this
  unsigned opening_at_once = 64;
  io::Duration hold = std::chrono::seconds(15);   // all idle, before the memory is read
  io::Duration settle = std::chrono::seconds(5);  // after the logout, likewise
  std::vector<pid_t> processes;                   // whose memory is measured; empty: none is
};

// Opens the sessions, logs each in, holds all of them idle at once, shows that each is still alive,
// logs out. Prints the memory at each stage. Returns the exit status: 0 only if every session was
// held and answered at the end.
int RunIdle(const IdleSettings& settings);

}  // namespace poplar::bench
