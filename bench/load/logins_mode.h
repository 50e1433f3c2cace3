#pragma once

#include "bench/load/pop3_client.h"

namespace poplar::bench {

struct LoginsSettings {
  Target target;
  unsigned connections = 32;  // at once, each beginning anew as soon as it has ended
  unsigned users = 10000;     // drawn in turn
  io::Duration warm_up = std::chrono::seconds(2);  // not counted
  io::Duration duration = std::chrono::seconds(10);
};

// Closed loop: connect, log in, STAT, RETR 1, QUIT. Prints the rate and the percentiles. Returns
// the exit status: 0 only if every session succeeded.
int RunLogins(const LoginsSettings& settings);

}  // namespace poplar::bench
