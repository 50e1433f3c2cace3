#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "proxy/config/admission_config.h"
#include "proxy/config/autoconfig_config.h"
#include "proxy/config/cluster_config.h"
#include "proxy/config/directory_config.h"
#include "proxy/config/drain_config.h"
#include "proxy/config/field.h"
#include "proxy/config/health_config.h"
#include "proxy/config/listener_config.h"
#include "proxy/config/move_config.h"
#include "proxy/config/pool_config.h"
#include "proxy/config/process_config.h"
#include "proxy/config/resume_config.h"
#include "proxy/config/route_config.h"
#include "proxy/config/shared_state_config.h"
#include "proxy/config/trace_config.h"
#include "proxy/config/user_names_config.h"

namespace poplar::config {

// The whole configuration: plain values, once read never changed, safe to share among threads.
struct Config {
  bool reload_on_change = false;
  int workers = 0;
  int replicas = 1;
  IoEngine io = IoEngine::kAuto;
  std::vector<ListenerConfig> listeners;
  TlsConfig tls;
  std::vector<ClusterConfig> clusters;
  std::vector<RouteConfig> routes;
  std::vector<DirectoryConfig> directories;
  std::vector<MoveConfig> moves;
  Duration moves_wait = std::chrono::seconds(10);
  Duration moves_grace = std::chrono::seconds(30);
  UserNamesConfig user_names;
  PoolConfig pool;
  HealthConfig health;
  ResumeConfig resume;
  TimeoutsConfig timeouts;
  LimitsConfig limits;
  AdmissionConfig admission;
  AutoconfigConfig autoconfig;
  DrainConfig drain;
  AdminConfig admin;
  LogConfig log;
  TraceConfig trace;
  SharedStateConfig shared_state;

  bool operator==(const Config&) const = default;
};

template <class Visitor>
void DescribeProcess(Visitor& v, Config& c) {
  v.Flag("reload_on_change", c.reload_on_change,
         {.help = "Whether a running Poplar takes this file anew when it changes, as by `poplar "
                  "reload`: after checking it whole, and only without an error. The files that it "
                  "names (certificates, keys, passwords, what ${file:} refers to) are taken anew "
                  "in any case."});
  v.Integer("workers", c.workers, {0, 1024},
            {.help = "Worker threads. 0: one for each CPU that the process may use, cgroup limits "
                     "included.",
             .live = false});
  v.Integer("replicas", c.replicas, {1, 1000},
            {.help = "How many Poplars serve these nodes side by side. With more than one, "
                     "sessions are not parked on clusters with maildrop_lock: exclusive, since "
                     "another Poplar cannot know of them."});
  v.Choice("io", c.io, kIoEngineNames,
           {.help = "How sockets are served. auto: by io_uring, and where that is refused (as "
                    "Docker 25's and containerd 2's default seccomp profiles do) by epoll, which "
                    "is said in the log, the metrics and the status. io_uring: by that or not at "
                    "all.",
            .live = false});
}

template <class Visitor>
void Describe(Visitor& v, Config& c) {
  DescribeProcess(v, c);
  v.List("listeners", c.listeners,
         {.help = "Where mail clients connect.", .required = true, .fixed_items = true});
  v.Section("tls", c.tls, {.help = "TLS towards clients."});
  v.List("clusters", c.clusters,
         {.help = "Groups of mail nodes among which users are spread.",
          .required = true,
          .fixed_items = true});
  v.List("routes", c.routes,
         {.help = "Which users are where, the first rule that fits. Whom none fits is in the "
                  "listener's cluster."});
  v.List("directories", c.directories,
         {.help = "Services that know where users are.", .fixed_items = true});
  v.List("moves", c.moves,
         {.help = "Users who change from one cluster to another, the first move that means them. "
                  "It applies to where the routes and directories say that they are, once: whom a "
                  "move has moved no other one moves on. Each Poplar knows its own sessions alone: "
                  "with replicas, change all of them."});
  v.Time("moves_wait", c.moves_wait, {Duration(0), std::chrono::minutes(10)},
         {.help = "How long a login may wait for sessions of its user where the user no longer is; "
                  "timeouts.login bounds it too."});
  v.Time("moves_grace", c.moves_grace, {Duration(0), std::chrono::hours(24)},
         {.help = "How long such a session may take to come to a command boundary, where it ends: "
                  "one that downloads finishes its message. Then it is cut."});
  v.Section("user_names", c.user_names,
            {.help = "How the names that clients log in by become names of mailboxes, by which "
                     "nodes are chosen and users counted. Nodes are told what the client typed."});
  v.Section("pool", c.pool,
            {.help = "Connections to each node; a cluster or a node may differ. They are this "
                     "Poplar's alone: replicas do not share them."});
  v.Section("health", c.health,
            {.help = "How dead and failing nodes are found, and when users move. A cluster may "
                     "differ."});
  v.Section("resume", c.resume,
            {.help = "What becomes of sessions whose node is lost, where nodes share their "
                     "storage. A cluster may differ."});
  v.Section("timeouts", c.timeouts,
            {.help = "Each ends the session, under its own name in the log."});
  v.Section("limits", c.limits, {.help = "What strangers can make grow."});
  v.Section("admission", c.admission,
            {.help = "Who may connect and how fast, by address, and the price of wrong passwords. "
                     "Each Poplar counts for itself: with replicas, divide."});
  v.Section("autoconfig", c.autoconfig,
            {.help = "Tells mail clients their settings over HTTP, so that users need not know "
                     "them: Thunderbird's autoconfig, Outlook's Autodiscover, Apple's profiles, "
                     "PACC."});
  v.Section("drain", c.drain,
            {.help = "What becomes of sessions on SIGTERM, and in the old process of an upgrade."});
  v.Section("admin", c.admin, {.help = "Metrics and health checks."});
  v.Section("log", c.log,
            {.help = "One line for each session that ended, and events of the process."});
  v.Section(
      "trace", c.trace,
      {.help = "Transcripts of what a user's, a client's or a node's sessions say, turned on "
               "by `poplar trace` for a while. They are of sessions that log in after that."});
  v.Section(
      "shared_state", c.shared_state,
      {.help = "What several Poplars tell each other, so that a user is on one node whichever "
               "of them it comes by: who is where and how often, which nodes are out, wrong "
               "passwords, and what operators say (kick, drain, down, up, move).",
       .live = false});
}

}  // namespace poplar::config
