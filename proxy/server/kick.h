#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proxy/server/session_views.h"
#include "proxy/session/session.h"

namespace poplar::server {

// "0123456789abcdef", as upstream::SessionName writes it.
std::optional<uint64_t> ParseSession(const std::string& text);

// Whose sessions are to end, and how.
struct Kicked {
  std::string user;     // canonical; empty: whoever has the session
  std::string cluster;  // of that user; empty: wherever it is
  uint64_t session = 0;
  bool now = false;
  session::EndReason reason = session::EndReason::kKicked;

  bool Means(const session::Session& one) const;
};

// On their worker's thread. How many they are.
uint64_t KickAll(const SessionSet& sessions, const Kicked& kicked);

}  // namespace poplar::server
