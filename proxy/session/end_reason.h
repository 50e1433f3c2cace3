#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace poplar::session {

// Whose doing it was that a session ended.
enum class Side : uint8_t { kClient, kNode, kPoplar };

// Each way a session can end, with its one name: the log, the metric's label and whose doing it
// was.
#define POPLAR_END_REASONS(X)                                                                      \
  X(kQuit, "quit", kClient)                      /* QUIT, answered */                              \
  X(kClientEof, "client_eof", kClient)           /* gone without QUIT */                           \
  X(kClientReset, "client_reset", kClient)       /* gone without an orderly end */                 \
  X(kClientProtocol, "client_protocol", kClient) /* broken TLS after the handshake */              \
  X(kProxyHeader, "proxy_header", kClient)       /* none, or a bad one, of a load balancer */      \
  X(kLoop, "loop", kPoplar)                      /* come through too many proxies */               \
  X(kNotTls, "not_tls", kClient)                 /* plain bytes where TLS was due */               \
  X(kUnexpectedTls, "unexpected_tls", kClient)   /* TLS where plain POP3 was due */                \
  X(kTlsHandshakeFailed, "tls_handshake_failed", kClient)                                          \
  X(kTlsHandshakeTimeout, "tls_handshake_timeout", kClient)                                        \
  X(kLoginTimeout, "login_timeout", kClient)          /* not logged in within timeouts.login */    \
  X(kClientIdle, "client_idle", kClient)              /* no command within timeouts.client_idle */ \
  X(kClientWriteStall, "client_write_stall", kClient) /* took nothing of what we sent */           \
  X(kTooManyBadCommands, "too_many_bad_commands", kClient)                                         \
  X(kTooManyFailedLogins, "too_many_failed_logins", kClient)                                       \
  X(kTooManyGuesses, "too_many_guesses", kClient) /* too many logins of its address wait */        \
  X(kNotAdmitted, "not_admitted", kClient)        /* by what a PROXY header said of it */          \
  X(kCrowdedOut, "crowded_out", kClient)          /* the oldest of too many without a login */     \
  X(kOpaqueEnded, "opaque_ended", kClient)        /* either end closed an opaque session */        \
  X(kNodeUnavailable, "node_unavailable", kNode)  /* never logged in: no node took it */           \
  X(kNodeEof, "node_eof", kNode)                  /* the node closed within the session */         \
  X(kNodeReset, "node_reset", kNode)                                                               \
  X(kNodeProtocol, "node_protocol", kNode) /* an answer that is none, or one too many */           \
  X(kNodeResponseTimeout, "node_response_timeout", kNode)                                          \
  X(kNodeTrouble, "node_trouble", kNode) /* it said [SYS/TEMP], and no other could be had */       \
  X(kNodeOut, "node_out", kNode)         /* out of service, and no other could be had */           \
  X(kNodeDown, "node_down", kPoplar)     /* an operator took the node down */                      \
  X(kMoved, "moved", kPoplar)            /* an operator moved the user to another cluster */       \
  X(kKicked, "kicked", kPoplar)          /* an operator ended this session */                      \
  X(kClaimLost, "claim_lost", kPoplar)   /* another replica has the user on another node */        \
  X(kDraining, "draining", kPoplar)      /* ended at a command boundary */                         \
  X(kShutdown, "shutdown", kPoplar)      /* ended at once */

enum class EndReason : uint8_t {
#define POPLAR_ENUMERATOR(enumerator, name, side) enumerator,
  POPLAR_END_REASONS(POPLAR_ENUMERATOR)
#undef POPLAR_ENUMERATOR
};

struct EndReasonFacts {
  std::string_view name;
  Side side;
};

inline constexpr std::array kEndReasons = {
#define POPLAR_FACTS(enumerator, name, side) EndReasonFacts{name, Side::side},
    POPLAR_END_REASONS(POPLAR_FACTS)
#undef POPLAR_FACTS
};

constexpr std::string_view Name(EndReason reason) {
  return kEndReasons[static_cast<size_t>(reason)].name;
}
constexpr Side SideOf(EndReason reason) { return kEndReasons[static_cast<size_t>(reason)].side; }

constexpr std::string_view Name(Side side) {
  switch (side) {
    case Side::kClient:
      return "client";
    case Side::kNode:
      return "node";
    case Side::kPoplar:
      return "poplar";
  }
  return "";
}

}  // namespace poplar::session
