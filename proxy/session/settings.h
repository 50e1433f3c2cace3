#pragma once

#include <memory>
#include <string>
#include <vector>

#include "balancer/moves.h"
#include "balancer/node_table.h"
#include "proxy/admission/policy.h"
#include "proxy/admission/retention.h"
#include "proxy/io/clock.h"
#include "proxy/io/network.h"
#include "proxy/pop3/authorization.h"
#include "proxy/session/routing.h"
#include "proxy/tls/server_context.h"
#include "proxy/upstream/cluster.h"

namespace poplar::session {

// A node that is out of service is waited for no longer than this; what can go on elsewhere does.
inline constexpr io::Duration kSickNodeResponse = std::chrono::seconds(1);

struct Timeouts {
  io::Duration tls_handshake = std::chrono::seconds(10);
  io::Duration login = std::chrono::seconds(60);
  io::Duration client_idle = std::chrono::minutes(10);
  io::Duration client_write_stall = std::chrono::seconds(60);
  io::Duration move_wait = std::chrono::seconds(10);   // of a login, for sessions elsewhere to end
  io::Duration move_grace = std::chrono::seconds(30);  // of a session that has to end, until cut
};

// What a listener lets its clients do before their login.
struct LoginPolicy {
  int bad_commands_max = 3;
  int failed_logins_max = 3;
  bool require_tls = true;
  bool user = true;  // USER and PASS
  pop3::MechanismSet mechanisms = pop3::MechanismSet::All();
};

struct ListenerSettings {
  std::string name;
  size_t index = 0;                               // among the listeners; for the metrics
  std::shared_ptr<const tls::ServerContext> tls;  // null: in the clear
  bool tls_at_once = true;                        // false: by STLS
  balancer::ClusterId cluster{};                  // of users whom no rule means
  // Of all users who may come here, that one first.
  std::vector<balancer::ClusterId> clusters = {};
  std::string default_domain = {};  // empty: the rules' own
  LoginPolicy login = {};
  pop3::CapabilityEdits capabilities = {};
  bool unknown_refused = false;  // after login; otherwise they are relayed, and all after them
  io::NetworkSet proxy_protocol_from = {};  // whose connections begin with a PROXY header
  io::NetworkSet xclient_from = {};         // who may say for whom it speaks
  admission::AccessList access = {};
};

// What a cluster's operator says of its clients.
struct ClusterPolicy {
  admission::AccessList access;
  admission::Retention retention;
};

// All that sessions read of the configuration: an immutable snapshot, published whole and shared by
// all workers. A session keeps the one it began with; its logins, the later ones for resuming it
// too, go by the newest one (Environment::newest): it says where users are, and which nodes there
// are. Clusters, nodes and listeners have the same numbers in all of them.
struct Settings {
  Timeouts timeouts;
  int bad_commands_max = 20;  // after login; before it the listener's policy counts
  balancer::CanonicalRules canonical;
  // The default domains of those who came by a name of their own, in lower case.
  absl::flat_hash_map<std::string, std::string> domains_by_server_name;
  Routing routing;
  std::shared_ptr<const balancer::NodeTable> nodes;
  std::shared_ptr<balancer::Moves> moves;  // outlives every snapshot; null: there is none
  // What is decided and remembered at run time; outlives every snapshot.
  std::vector<std::shared_ptr<upstream::Cluster>> clusters;  // by ClusterId
  std::vector<upstream::Node*> upstream_nodes;               // by NodeId; the clusters own them
  std::vector<ListenerSettings> listeners;
  admission::Policy admission;
  std::vector<ClusterPolicy> cluster_policies;    // by ClusterId; empty: nothing is said
  std::shared_ptr<const tls::ServerContext> tls;  // of the listeners; null: none speaks TLS

  upstream::Cluster& ClusterOf(balancer::ClusterId cluster) const {
    return *clusters[static_cast<size_t>(cluster)];
  }
  // Null where nothing is said.
  const ClusterPolicy* PolicyOf(balancer::ClusterId cluster) const {
    const auto index = static_cast<size_t>(cluster);
    return index < cluster_policies.size() ? &cluster_policies[index] : nullptr;
  }
  upstream::Node& NodeOf(balancer::NodeId node) const {
    return *upstream_nodes[static_cast<size_t>(node)];
  }
};

}  // namespace poplar::session
