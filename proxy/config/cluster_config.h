#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "proxy/config/admission_config.h"
#include "proxy/config/discovery_config.h"
#include "proxy/config/field.h"
#include "proxy/config/health_config.h"
#include "proxy/config/master_user_config.h"
#include "proxy/config/node_config.h"
#include "proxy/config/override.h"
#include "proxy/config/pool_config.h"
#include "proxy/config/resume_config.h"
#include "proxy/config/upstream_timeouts_config.h"

namespace poplar::config {

enum class Affinity { kUser, kNone };
inline constexpr ChoiceName<Affinity> kAffinityNames[] = {{Affinity::kUser, "user"},
                                                          {Affinity::kNone, "none"}};

enum class MaildropLock { kNone, kExclusive };
inline constexpr ChoiceName<MaildropLock> kMaildropLockNames[] = {
    {MaildropLock::kNone, "none"}, {MaildropLock::kExclusive, "exclusive"}};

struct ClusterConfig {
  std::string name;
  bool shared_storage = false;
  std::vector<NodeConfig> nodes;
  DiscoveryConfig discovery = {};
  Affinity affinity = Affinity::kUser;
  MaildropLock maildrop_lock = MaildropLock::kNone;
  int user_sessions = 0;
  int in_use_retries = 2;
  Duration in_use_backoff = std::chrono::milliseconds(500);
  MasterUserConfig master_user = {};
  Override<PoolConfig> pool = {};
  Override<HealthConfig> health = {};
  Override<ResumeConfig> resume = {};
  Override<UpstreamTimeoutsConfig> timeouts = {};
  AccessConfig access = {};
  RetentionConfig retention = {};

  bool operator==(const ClusterConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, ClusterConfig& c) {
  v.Text("name", c.name,
         {.help = "The cluster's name in logs, metrics and listeners.",
          .required = true,
          .example = "mail"});
  v.Flag("shared_storage", c.shared_storage,
         {.help = "Whether every node reaches every user's mail. Only with yes may a user move to "
                  "another node; with "
                  "no, the users of a dead node are told to try again later.",
          .live = false});
  v.Choice("affinity", c.affinity, kAffinityNames,
           {.help = "user: all sessions of a user run on one node at a time, as indexes on shared "
                    "storage (Dovecot's) need it. none: any node may serve anybody at any time, "
                    "so load moves users too; only with shared_storage: yes, and only if the "
                    "store is made for it.",
            .live = false});
  v.Choice("maildrop_lock", c.maildrop_lock, kMaildropLockNames,
           {.help = "Whether a session locks its user's mail at the node until it ends "
                    "(exclusive: Dovecot with pop3_lock_session, mbox stores, Exchange), or "
                    "several may read it at once (none). With exclusive, nothing is parked where "
                    "there are several Poplars (replicas). With one Poplar a parked session always "
                    "ends before its user logs in elsewhere or with another password."});
  v.Integer(
      "user_sessions", c.user_sessions, {0, 10'000},
      {.help = "Most sessions of one user at once; a further login is told [IN-USE], once the node "
               "has accepted it, or at once if it has the password of the last one. Of use where "
               "nodes lock, or count a user's connections from one address, which for all of a "
               "user's devices is Poplar's (Dovecot: mail_max_userip_connections, 10; stay below "
               "it). 0: no limit."});
  v.Integer("in_use_retries", c.in_use_retries, {0, 5},
            {.help = "How often a login that a node answers with [IN-USE] is tried again before "
                     "the client is told. 0: at once."});
  v.Time("in_use_backoff", c.in_use_backoff,
         {std::chrono::milliseconds(10), std::chrono::seconds(30)},
         {.help = "The pause before the first of these tries; each further one is twice as "
                  "long."});
  v.Section("master_user", c.master_user,
            {.help = "For logins without a password that a node could check, and for users who "
                     "open another's mailbox."});
  v.Overrides("pool", c.pool,
              {.help = "What differs for this cluster from the global section pool."});
  v.Overrides("health", c.health,
              {.help = "What differs for this cluster from the global section health."});
  v.Overrides("resume", c.resume,
              {.help = "What differs for this cluster from the global section resume."});
  v.Overrides("timeouts", c.timeouts,
              {.help = "What differs for this cluster from the global section timeouts."});
  v.Section("access", c.access, {.help = "Clients of this cluster, besides admission.access."});
  v.Section("retention", c.retention, {.help = "Whether clients may delete mail."});
  v.List("nodes", c.nodes,
         {.help = "The mail nodes; or discovery says where to find them.", .in_example = true});
  v.Section("discovery", c.discovery,
            {.help = "Nodes that come and go, found by DNS, instead of nodes. Only with "
                     "shared_storage: yes, as users move when nodes do.",
             .live = false});
}

}  // namespace poplar::config
