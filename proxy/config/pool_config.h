#pragma once

#include <chrono>

#include "proxy/config/field.h"

namespace poplar::config {

// A node's connections. A parked session shows its user the mail as it was at login, so its age has
// a hard ceiling, whatever the operator would like.
inline constexpr Duration kMaxSnapshotAgeMost = std::chrono::seconds(60);

struct PoolConfig {
  int size = 0;
  int warm = 2;
  int parked = 100;
  Duration max_snapshot_age = std::chrono::seconds(5);
  Duration wait_timeout = std::chrono::seconds(15);
  Duration warm_max_age = std::chrono::seconds(50);

  bool operator==(const PoolConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, PoolConfig& c) {
  v.Integer(
      "size", c.size, {0, 1'000'000},
      {.help = "Slots: the most connections to one node at once, warm and parked ones included. A "
               "login beyond them waits in a queue. 0: unbounded. To size it, take what the node "
               "allows at once (Dovecot: client_limit times process_limit of its services pop3 "
               "and pop3-login, the smaller one, and see user_sessions for "
               "mail_max_userip_connections; Courier: the smaller of MAXDAEMONS and MAXPERIP), "
               "leave out what other front ends, webmail and probes use, and divide the rest by "
               "replicas."});
  v.Integer(
      "warm", c.warm, {0, 1000},
      {.help = "Most connections to one node that are kept ready for the next logins: "
               "greeted, not logged in. How many there really are follows the login rate; where "
               "it is hundreds a second at one node, 8 serve nearly all of them. "
               "Small is right where each occupies a process (Dovecot CE) or counts against "
               "a limit per address (Courier: 4). 0: none."});
  v.Integer("parked", c.parked, {0, 1'000'000},
            {.help = "Most sessions to one node that stay logged in after their user's QUIT, for "
                     "that user's next login. Beyond it the oldest ends. 0: none."});
  v.Time("max_snapshot_age", c.max_snapshot_age, {Duration(0), kMaxSnapshotAgeMost},
         {.help = "How old a parked session's view of the mail may be, counted from its login. For "
                  "so long a user who logs in again may miss new mail. 0s turns parking off."});
  v.Time("wait_timeout", c.wait_timeout, {std::chrono::milliseconds(100), std::chrono::hours(1)},
         {.help = "Longest wait of a login for one of the node's slots; then the user is told to "
                  "try again later."});
  v.Time("warm_max_age", c.warm_max_age, {std::chrono::seconds(1), std::chrono::hours(1)},
         {.help = "A warm connection is renewed after this time. Stay well below the node's own "
                  "patience before a login: 3m with Dovecot."});
}

}  // namespace poplar::config
