#pragma once

#include <memory>
#include <vector>

#include "proxy/session/settings.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/pauses.h"
#include "tests/simulation/places.h"
#include "tests/simulation/session_mistake.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// How a world's operator has configured Poplar: what it is held to, whatever a planted mistake
// makes of it.
struct SessionRules {
  bool shared_storage = false;
  bool one_store = false;  // all nodes have the same mail: of one cluster, or of all
  bool exclusive_lock = false;
  bool affinity = true;
  balancer::PoolLimits pool;
  io::Duration pool_wait{};
  balancer::HealthRules health;
  upstream::LoginRules login;
  upstream::ResumeRules resume;
  io::Duration probe_interval{};
  io::Duration probe_timeout{};
  session::Timeouts timeouts;
  upstream::UpstreamTimeouts upstream;
  std::vector<Pause> pauses;
  // Nodes disagree about mail that came or went so lately.
  io::Duration stale{};

  bool resumes() const { return resume.enabled && shared_storage; }
  bool parks() const {
    return affinity && pool.max_snapshot_age > io::Duration(0) && pool.parked > 0;
  }
  // Poplar answers a QUIT that has nothing to commit.
  bool answers_quit() const {
    return resumes() || (affinity && pool.max_snapshot_age > io::Duration(0));
  }
  // A login may be refused although the node is well and the credential right.
  bool logins_may_fail() const {
    return exclusive_lock || pool.size > 0 || login.user_sessions_max > 0;
  }
  // In all.
  io::Duration Paused() const;
  // Longest that one login can take Poplar, by its own deadlines.
  io::Duration LongestLogin() const;
  // And everything else around it, until a client that fell silent is given up.
  io::Duration LongestSession() const;
};

inline constexpr std::string_view kProbeUser = "probeaccount";
inline constexpr std::string_view kProbePassword = "probing";

// Whether sessions are resumed in any world.
bool SessionsAreResumed();

// What may befall the nodes and the network of a world.
enum class Climate : uint8_t {
  kWild,    // anything
  kCalm,    // nothing that anybody could notice
  kMortal,  // only nodes die and come back soon, and sessions are resumed: nobody may notice it
};

SessionRules DrawRules(World& world, const Faults& faults, Climate climate);

// Users who move need leases, and to find their mail where they come to; nodes that come and go
// have to have one store (the configuration's check says so).
void FitTo(World& world, const Places& places, SessionRules& rules);

// The settings that say so, or what the mistake makes of them. `nodes`: their addresses.
std::shared_ptr<session::Settings> BuildSettings(const SessionRules& rules, const Places& places,
                                                 const std::vector<io::Address>& nodes,
                                                 SessionMistake mistake);

}  // namespace poplar::simulation
