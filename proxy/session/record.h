#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/io/address.h"
#include "proxy/io/clock.h"
#include "proxy/io/rare.h"
#include "proxy/io/rare_text.h"
#include "proxy/io/static_text.h"
#include "proxy/session/end_reason.h"

namespace poplar::session {

// What a session's one log line says. Nothing secret may enter it.
struct Record {
  uint64_t id = 0;
  io::Address client;
  io::Address local;               // that the client connected to
  io::Rare<io::Address> balancer;  // the load balancer that told of the client
  std::string_view listener;
  std::string user;          // canonical; empty while unknown
  std::string_view route;    // the rule that says where the user is; empty: none did
  std::string_view move;     // that has brought the user where it is, or is taking it away
  io::StaticText mechanism;  // of the last login; empty while there was none
  std::string node;          // of the last attempt; empty while there was none
  io::StaticText tls_version;
  io::StaticText tls_cipher;
  io::StaticText lease;        // "parked", "warm" or "new"; empty while there is none
  io::StaticText not_resumed;  // why it didn't, when its node was lost; empty: it wasn't
  io::RareText failure;  // of the handshake or of the last login: the peer's words or what kept us
  EndReason reason = EndReason::kShutdown;
  bool tls_resumed = false;
  bool stls = false;  // TLS began in mid-connection
  bool logged_in = false;
  bool parked = false;  // the node's session outlives this one
  bool opaque = false;

  uint32_t refused_logins = 0;  // the node, or a directory, said no to the credential
  uint32_t resumes = 0;         // times that it went on in another session of a node's
  uint32_t messages = 0;        // retrieved whole
  uint32_t deletes = 0;         // committed: marked, then QUIT with the node's +OK
  uint64_t commands = 0;
  uint64_t message_bytes = 0;    // of the messages
  uint64_t bytes_to_client = 0;  // POP3's, without TLS
  uint64_t bytes_from_client = 0;
  uint64_t bytes_to_node = 0;  // after login
  uint64_t bytes_from_node = 0;

  // Since the connection was accepted.
  io::Time accepted{};
  io::Duration total{};
  // Absent: never reached.
  std::optional<io::BriefDuration> handshake;
  std::optional<io::BriefDuration> delayed;   // the last login, for earlier wrong passwords
  std::optional<io::BriefDuration> queued;    // for a slot; absent: didn't have to wait
  std::optional<io::BriefDuration> login;     // from PASS to its answer, the node's stages in it
  std::optional<io::BriefDuration> snapshot;  // age of a parked session's view when it was taken
  io::BriefDuration lookup{};                 // of the user's place, where a directory was asked
  io::BriefDuration connect{};
  io::BriefDuration node_tls{};
  io::BriefDuration greeting{};
  io::BriefDuration authentication{};
  io::BriefDuration stalled{};  // the client's waits while the session resumed, together
};

// Takes each session's record once, when it has ended. One worker's thread.
class SessionLog {
 public:
  virtual ~SessionLog() = default;
  virtual void Write(const Record& record) = 0;
};

}  // namespace poplar::session
