#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poplar::metrics {

// What is shown of a client's session at one moment. Empty: not known yet, or there is none.
struct SessionView {
  std::string id;  // as in the log
  std::string user;
  std::string listener;
  std::string client;
  std::string cluster;
  std::string node;
  std::string_view state;
  double age = 0;              // seconds
  std::optional<double> idle;  // likewise, since its client's last sign of life
  std::string mechanism;
  std::string tls;
  std::string lease;
  uint64_t messages = 0;
  uint64_t bytes_to_client = 0;
  uint64_t commands = 0;
  bool opaque = false;
};

// No answer holds more sessions, however many there are.
inline constexpr size_t kSessionsShownMax = 1000;
inline constexpr size_t kSessionsShown = 100;

// Which ones; an empty one asks for nothing.
struct SessionQuery {
  std::string user;    // as a client would type it
  std::string node;    // NODE or CLUSTER/NODE
  std::string client;  // an IP address
  size_t limit = kSessionsShown;
};

struct SessionsView {
  uint64_t total = 0;                 // that match
  std::vector<SessionView> sessions;  // the oldest of these
};

// Whose sessions are to end: exactly one of the first two.
struct KickQuery {
  std::string user;     // as a client would type it
  std::string session;  // its id
  bool now = false;     // in the middle of whatever it is doing
};

}  // namespace poplar::metrics
