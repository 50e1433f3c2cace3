#include "proxy/config/check_balancing.h"

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/config/effective.h"
#include "proxy/config/units.h"

namespace poplar::config {
namespace {

using Names = std::initializer_list<std::string_view>;

// Dovecot ends a connection that has not logged in after 3 minutes.
constexpr Duration kWarmAgeWarning = std::chrono::minutes(3);

// The places that may state a setting, the nearest to the node first: each a section's path and the
// names that it gives there.
struct Place {
  std::string section;
  std::vector<std::string_view> given;
};
using Places = std::vector<Place>;

template <class Struct>
Place PlaceOf(std::string section, const Override<Struct>& override) {
  Place place{std::move(section), {}};
  for (std::string_view name : FieldNames<Struct>()) {
    if (IsGiven(override, name)) place.given.push_back(name);
  }
  return place;
}

template <class Struct>
Place GlobalPlace(std::string section, const Findings& findings) {
  Place place{std::move(section), {}};
  for (std::string_view name : FieldNames<Struct>()) {
    if (findings.IsInFile(ChildPath(place.section, name))) place.given.push_back(name);
  }
  return place;
}

bool Gives(const Place& place, std::string_view name) {
  return std::find(place.given.begin(), place.given.end(), name) != place.given.end();
}

// Where a problem between `names` belongs: the nearest place that gives one of them, else the first
// of them in the global section, which comes last.
std::string Blame(const Places& places, Names names) {
  for (const Place& place : places) {
    for (std::string_view name : names) {
      if (Gives(place, name)) return ChildPath(place.section, name);
    }
  }
  return ChildPath(places.back().section, *names.begin());
}

// Several nodes inherit the same mistake: it is told once.
class OncePerSetting {
 public:
  explicit OncePerSetting(Findings& findings) : findings_(findings) {}

  void Error(const Places& places, Names names, std::string message, std::string expected) {
    const std::string path = Blame(places, names);
    if (IsNew(places, names, path, message))
      findings_.Error(path, std::move(message), std::move(expected));
  }
  void Warning(const Places& places, Names names, std::string message, std::string expected) {
    const std::string path = Blame(places, names);
    if (IsNew(places, names, path, message))
      findings_.Warning(path, std::move(message), std::move(expected));
  }

 private:
  bool IsNew(const Places& places, Names names, const std::string& path,
             const std::string& message) {
    // What wasn't read isn't in effect either: judge nothing by its stand-in.
    for (const Place& place : places) {
      for (std::string_view name : names) {
        if (findings_.IsUnread(ChildPath(place.section, name))) return false;
      }
    }
    return told_.insert(path + '\n' + message).second;
  }

  Findings& findings_;
  std::set<std::string> told_;
};

void CheckPool(const PoolConfig& pool, Duration login_timeout, const Places& places,
               OncePerSetting& once) {
  if (pool.size > 0 && pool.warm > pool.size) {
    once.Error(places, {"warm", "size"},
               "warm is " + std::to_string(pool.warm) + ", but size allows " +
                   std::to_string(pool.size) + " connections in all",
               "warm below size, so that logins find room");
  }
  // A shorter login deadline makes no mistake out of the default.
  const bool says_wait = std::any_of(places.begin(), places.end(), [](const Place& place) {
    return Gives(place, "wait_timeout");
  });
  if (says_wait && pool.wait_timeout > login_timeout) {
    once.Warning(places, {"wait_timeout"},
                 FormatDuration(pool.wait_timeout) + " is longer than timeouts.login (" +
                     FormatDuration(login_timeout) + "), which ends the wait",
                 "less than timeouts.login");
  }
  if (pool.warm > 0 && pool.warm_max_age > kWarmAgeWarning) {
    once.Warning(places, {"warm_max_age"},
                 FormatDuration(pool.warm_max_age) +
                     " is longer than Dovecot keeps a connection that does not log in",
                 "less than " + FormatDuration(kWarmAgeWarning));
  }
}

void CheckProbe(const HealthConfig& health, const Places& places, OncePerSetting& once) {
  if (health.probe == Probe::kOff) return;
  if (health.timeout >= health.interval) {
    once.Warning(places, {"timeout", "interval"},
                 "a probe may take " + FormatDuration(health.timeout) +
                     ", but the next one is due after " + FormatDuration(health.interval),
                 "timeout below interval");
  }
  if (health.fast_interval > health.interval) {
    once.Warning(places, {"fast_interval", "interval"},
                 FormatDuration(health.fast_interval) + " is slower than interval (" +
                     FormatDuration(health.interval) + ")",
                 "fast_interval below interval");
  }
  if (health.probe != Probe::kLogin) return;
  if (health.user.empty()) {
    once.Error(places, {"user", "probe"}, "probe: login needs a user", "an account for probes");
  }
  if (health.password_file.empty()) {
    once.Error(places, {"password_file", "probe"}, "probe: login needs a password_file",
               "a file with the probe user's password");
  }
}

void CheckHealth(const HealthConfig& health, const Places& places, OncePerSetting& once) {
  CheckProbe(health, places, once);
  if (health.ejection_time_max < health.ejection_time) {
    once.Error(places, {"ejection_time_max", "ejection_time"},
               "ejection_time_max (" + FormatDuration(health.ejection_time_max) +
                   ") is less than ejection_time (" + FormatDuration(health.ejection_time) + ")",
               "ejection_time_max of at least ejection_time");
  }
  if (health.probe == Probe::kOff && health.consecutive_failures == 0 &&
      health.failure_percent == 0) {
    once.Warning(places, {"probe", "consecutive_failures", "failure_percent"},
                 "nothing can find a dead node: probe is off, and so are consecutive_failures and "
                 "failure_percent",
                 "at least one of them");
  }
}

void CheckSharing(const ClusterConfig& cluster, const std::string& path, Findings& findings) {
  if (cluster.affinity != Affinity::kNone || findings.IsUnread(path + ".affinity")) return;
  if (!cluster.shared_storage && !findings.IsUnread(path + ".shared_storage")) {
    findings.Error(path + ".affinity",
                   "affinity: none lets any node serve any user, but shared_storage is no",
                   "shared_storage: yes, or affinity: user");
  } else if (cluster.maildrop_lock == MaildropLock::kExclusive) {
    findings.Warning(path + ".affinity",
                     "with maildrop_lock: exclusive two nodes compete for a user's lock",
                     "affinity: user");
  }
  if (cluster.user_sessions > 0) {
    findings.Warning(path + ".user_sessions",
                     "with affinity: none nobody keeps count of a user's sessions",
                     "affinity: user, or no user_sessions");
  }
}

// Only what a cluster says for itself: the global section may be meant for others.
void CheckResumeHasEffect(const ClusterConfig& cluster, const std::string& path,
                          Findings& findings) {
  if (cluster.shared_storage || findings.IsUnread(path + ".shared_storage")) return;
  const bool wants_it = (IsGiven(cluster.resume, "enabled") && cluster.resume.values.enabled) ||
                        IsGiven(cluster.resume, "deadline");
  if (!wants_it) return;
  findings.Warning(path + ".resume",
                   "no session is resumed without shared_storage: yes: another node would not "
                   "have its mail",
                   "shared_storage: yes if that is so, or resume: off");
}

// A node that stays dead gives its users away only after hold_down.
void CheckResumeOutlastsHoldDown(const ResumeConfig& resume, const HealthConfig& health,
                                 const Places& places, OncePerSetting& once) {
  if (!resume.enabled || resume.deadline > health.hold_down) return;
  once.Warning(places, {"deadline", "hold_down"},
               "resume.deadline (" + FormatDuration(resume.deadline) +
                   ") ends before users may move to another node (health.hold_down: " +
                   FormatDuration(health.hold_down) +
                   "), so sessions are resumed only where their node itself comes back",
               "resume.deadline longer than health.hold_down and the time to find a dead node");
}

// The header would have to name a client that isn't there yet. The default's two are no mistake.
void CheckWarmHasEffect(const NodeConfig& node, const PoolConfig& pool, const Places& places,
                        OncePerSetting& once) {
  const bool says_warm = std::any_of(places.begin(), places.end(),
                                     [](const Place& place) { return Gives(place, "warm"); });
  if (node.proxy_protocol == NodeProxyProtocol::kNone || !says_warm || pool.warm == 0) return;
  once.Warning(places, {"warm"},
               "no connection is kept warm to a node with proxy_protocol: its header comes first "
               "and names the client",
               "warm: 0, or xclient instead of proxy_protocol");
}

bool MovesUsers(const ClusterConfig& cluster, const std::string& path, const Findings& findings) {
  return cluster.shared_storage && (cluster.nodes.size() > 1 || cluster.discovery.enabled()) &&
         cluster.affinity == Affinity::kUser && !findings.IsUnread(path + ".affinity");
}

void CheckNodesInService(const ClusterConfig& cluster, const std::string& path,
                         Findings& findings) {
  if (cluster.nodes.empty()) return;
  bool any_up = false;
  bool any_weight = false;
  for (size_t i = 0; i < cluster.nodes.size(); ++i) {
    const std::string node_path = ItemPath(path + ".nodes", i);
    any_up = any_up || cluster.nodes[i].state == NodeState::kUp ||
             findings.IsUnread(node_path + ".state");
    any_weight =
        any_weight || cluster.nodes[i].weight > 0 || findings.IsUnread(node_path + ".weight");
  }
  if (!any_up) {
    findings.Warning(path + ".nodes", "no node is up: nobody can log in",
                     "state: up for at least one");
  }
  if (!any_weight) {
    findings.Warning(path + ".nodes", "every node has weight 0, so none is preferred",
                     "a weight for at least one");
  }
}

}  // namespace

void CheckBalancing(const Config& config, Findings& findings) {
  OncePerSetting once(findings);
  const Duration login_timeout =
      findings.IsUnread("timeouts.login") ? Duration::max() : config.timeouts.login;
  const Place global_pool = GlobalPlace<PoolConfig>("pool", findings);
  const Place global_health = GlobalPlace<HealthConfig>("health", findings);
  for (size_t i = 0; i < config.clusters.size(); ++i) {
    const ClusterConfig& cluster = config.clusters[i];
    const std::string path = ItemPath("clusters", i);
    CheckSharing(cluster, path, findings);
    CheckNodesInService(cluster, path, findings);
    CheckHealth(EffectiveHealth(config, cluster),
                {PlaceOf(path + ".health", cluster.health), global_health}, once);
    CheckResumeHasEffect(cluster, path, findings);
    if (MovesUsers(cluster, path, findings)) {
      CheckResumeOutlastsHoldDown(
          EffectiveResume(config, cluster), EffectiveHealth(config, cluster),
          {PlaceOf(path + ".resume", cluster.resume), PlaceOf(path + ".health", cluster.health),
           GlobalPlace<ResumeConfig>("resume", findings), global_health},
          once);
    }
    const Place cluster_pool = PlaceOf(path + ".pool", cluster.pool);
    for (size_t j = 0; j < cluster.nodes.size(); ++j) {
      const NodeConfig& node = cluster.nodes[j];
      const std::string node_pool_path = ItemPath(path + ".nodes", j) + ".pool";
      const Places places = {PlaceOf(node_pool_path, node.pool), cluster_pool, global_pool};
      CheckPool(EffectivePool(config, cluster, node), login_timeout, places, once);
      CheckWarmHasEffect(node, EffectivePool(config, cluster, node), places, once);
    }
    if (cluster.discovery.enabled()) {
      const NodeConfig& node = cluster.discovery.node.all;
      const PoolConfig pool = EffectivePool(config, cluster, node);
      CheckPool(pool, login_timeout, {cluster_pool, global_pool}, once);
      CheckWarmHasEffect(node, pool, {cluster_pool, global_pool}, once);
    }
  }
}

}  // namespace poplar::config
