#pragma once

#include <cstdint>

#include "proxy/admission/token_bucket.h"

namespace poplar::admission {

// How fast one session may go. Nothing is dropped: what is too fast waits, and since every session
// has a rate of its own, one that takes all it can leaves the others theirs.
struct PaceRules {
  Rate commands;
  Rate bytes;

  explicit operator bool() const { return commands || bytes; }
};

// One session's. One thread.
class Pace {
 public:
  Pace(const PaceRules& rules, io::Time now)
      : rules_(rules), commands_(rules.commands, now), bytes_(rules.bytes, now) {}

  // How long a command that came now has to wait.
  io::Duration OnCommand(io::Time now);
  // How long the next bytes have to wait after these.
  io::Duration OnBytes(uint64_t count, io::Time now);

 private:
  const PaceRules rules_;
  TokenBucket commands_;
  TokenBucket bytes_;
};

}  // namespace poplar::admission
