#pragma once

#include <cstdint>
#include <string_view>

namespace poplar::session {

// What a session is doing at the moment, for whoever looks from outside.
enum class SessionState : uint8_t {
  kHandshake,    // TLS, or what comes ahead of it
  kAuthorizing,  // commands before a login
  kLoggingIn,    // complete credentials, and no answer yet
  kIdle,         // logged in; the client has all that it asked for
  kRelaying,     // likewise; it hasn't
  kEnding,
};

constexpr std::string_view Name(SessionState state) {
  constexpr std::string_view kNames[] = {"handshake", "authorizing", "logging_in",
                                         "idle",      "relaying",    "ending"};
  return kNames[static_cast<size_t>(state)];
}

}  // namespace poplar::session
