#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "balancer/node_table.h"
#include "proxy/io/clock.h"
#include "proxy/io/task.h"

namespace poplar::shared_state {

// That a user is on a node: asked for once for each of the user's stays there (Affinity::Lease).
struct Claim {
  balancer::ClusterId cluster{};
  std::string user;  // canonical
  balancer::NodeId node{};
  uint64_t stay = 0;
};

// Until another replica's session of the user has ended or can be followed, or can be told of.
inline constexpr io::Duration kAskAgain = std::chrono::milliseconds(100);

struct ClaimAnswer {
  enum class Kind : uint8_t {
    kGranted,
    kElsewhere,  // a session on another replica holds the user on another node
    kLater,      // the store or this replica has just begun, and doesn't know of all sessions yet;
                 // or the store has just closed the connection, and may be back in a moment
    kAlone,      // nobody could be asked in time: go by what is known here
  };
  Kind kind = Kind::kAlone;
  std::optional<balancer::NodeId> node = {};  // kElsewhere; nothing: none that is known here
  io::Duration after = kAskAgain;             // kLater: asked sooner, the answer would be the same
  uint32_t sessions = 0;                      // of the user on other replicas, where these count
};

// What sessions of one worker ask of the state that replicas share.
class Claims {
 public:
  virtual ~Claims() = default;
  // Whether whoever asks now is told kLater: no connection to a node need be taken for that.
  virtual bool Awaited() const = 0;
  // Within shared_state.timeout, whatever the store does.
  virtual io::Task<ClaimAnswer> Ask(Claim claim) = 0;
};

}  // namespace poplar::shared_state
