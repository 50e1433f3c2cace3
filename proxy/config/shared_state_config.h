#pragma once

#include <chrono>
#include <string>

#include "proxy/config/field.h"

namespace poplar::config {

// What several Poplars tell each other, by Redis.
struct SharedStateConfig {
  std::string redis;
  std::string password_file;
  int database = 0;
  std::string prefix = "poplar";
  Duration timeout = std::chrono::milliseconds(50);
  Duration lease = std::chrono::seconds(15);

  bool enabled() const { return !redis.empty(); }
  bool operator==(const SharedStateConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, SharedStateConfig& c) {
  v.Text("redis", c.redis,
         {.help = "Host and port of a Redis (5 or newer) or Valkey, over a network that can be "
                  "trusted: there is no TLS. A name is looked up with each connection. Empty: each "
                  "Poplar goes by what it knows itself."});
  v.Path("password_file", c.password_file,
         {.help =
              "A file with Redis' password (requirepass) in its first line; empty: none is needed. "
              "Users and addresses are stored as digests made with it: Poplars with different "
              "passwords don't see each other's users.",
          .watched = false});
  v.Integer("database", c.database, {0, 10'000}, {.help = "The number of the database there."});
  v.Text("prefix", c.prefix,
         {.help = "What all keys there begin with. Poplars with the same prefix belong together, "
                  "and must have the same clusters and nodes under the same names."});
  v.Time("timeout", c.timeout, {std::chrono::milliseconds(5), std::chrono::seconds(1)},
         {.help = "How long a login waits for Redis; then it goes by what this Poplar knows. After "
                  "a few such logins nobody waits until Redis answers in time again."});
  v.Time("lease", c.lease, {std::chrono::seconds(3), std::chrono::minutes(5)},
         {.help = "For so long a Poplar that was killed, or cut off from Redis, still holds its "
                  "users on their nodes; likewise, one that is cut off goes by the others' last "
                  "word on nodes."});
}

}  // namespace poplar::config
