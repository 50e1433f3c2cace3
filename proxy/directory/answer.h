#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "proxy/io/clock.h"
#include "proxy/pop3/secret.h"

namespace poplar::directory {

// Where a user's mail is, in the directory's own words. Whether there is such a place is for the
// one who asked to find out.
struct Found {
  // One of: the name of a cluster, "cluster/node", a node's address as "host:port", or its host
  // alone. A host name is compared with those of nodes, never looked up.
  std::string place;
  // The user's name at the node; empty: as the client typed it.
  std::string login;
  // For the node instead of the client's own; null: the client's. An answer that has one is not
  // kept.
  std::shared_ptr<const pop3::Secret> password;
};

struct Answer {
  enum class Kind : uint8_t {
    kFound,
    kUnknown,      // the directory doesn't know the user; it may be known elsewhere
    kRefused,      // the directory has looked at the credential, and says no
    kNotYet,       // to be asked again
    kUnavailable,  // nothing could be found out: -ERR [SYS/TEMP]
  };

  Kind kind = Kind::kUnavailable;
  Found found = {};  // kFound
  // kRefused: for the client, one line without a status; empty: the usual. kUnavailable: for the
  // log: what, where, why.
  std::string text = {};
  // kRefused: before the client hears of it. kNotYet: before the next question.
  io::Duration wait = {};
};

}  // namespace poplar::directory
