#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "balancer/cluster_health.h"
#include "proxy/io/clock.h"
#include "proxy/pop3/credential.h"
#include "proxy/pop3/master_user.h"
#include "proxy/upstream/node.h"
#include "proxy/upstream/offered_capabilities.h"

namespace poplar::upstream {

// How the nodes of a cluster are probed.
struct ProbeOptions {
  balancer::ProbeLevel level = balancer::ProbeLevel::kCapa;
  bool enabled = true;
  // From start to start, jittered by a fifth; above 0, as the next.
  io::Duration interval = std::chrono::seconds(5);
  // Between probes whose results do not agree yet on the node's state.
  io::Duration fast_interval = std::chrono::seconds(1);
  io::Duration timeout = std::chrono::seconds(3);  // for the whole probe but its QUIT
  pop3::Credential credential;                     // kLogin
};

// How logins of one user share a cluster's nodes.
struct LoginRules {
  uint32_t user_sessions_max = 0;  // 0: no limit
  int in_use_retries = 2;          // of a login that the node answers [IN-USE]
  io::Duration in_use_backoff = std::chrono::milliseconds(500);  // doubles; jittered
};

// Whether a session whose node is lost goes on at another, or in a new session of the same node.
struct ResumeRules {
  // What the operator says; only where nodes share their storage.
  bool enabled = true;
  // From the loss to the client's next byte: longer is no client made to wait.
  io::Duration deadline = std::chrono::seconds(15);
};

// What an operator says of a cluster and may say anew at any time.
struct ClusterTerms {
  ProbeOptions probe;
  LoginRules login;
  ResumeRules resume;
  pop3::MasterUser master;
};

// A cluster as all workers share it: what is decided and remembered at run time. Its nodes stay for
// the process's life.
struct Cluster {
  Cluster(balancer::ClusterId number, std::string text, const balancer::ClusterRules& cluster_rules,
          const balancer::HealthRules& health_rules,
          const std::vector<balancer::ClusterHealth::Member>& members)
      : id(number),
        name(std::move(text)),
        rules(cluster_rules),
        health(cluster_rules, health_rules, members) {}

  const balancer::ClusterId id;
  const std::string name;
  const balancer::ClusterRules rules;
  std::vector<std::unique_ptr<Node>> nodes;  // before the workers run; as in the node table
  balancer::ClusterHealth health;
  OfferedCapabilities offered;

  // Never null. Any thread, a short lock: for what is done once a login or a probe.
  std::shared_ptr<const ClusterTerms> terms() const {
    const std::lock_guard lock(mutex_);
    return terms_;
  }
  void set_terms(std::shared_ptr<ClusterTerms> terms) {
    const std::lock_guard lock(mutex_);
    terms_.swap(terms);
  }
  // Before the workers run.
  ClusterTerms& first_terms() { return *terms_; }

  // Whether the seat isn't vacant.
  bool IsTaken(const Node& node) const {
    return health.seat(node.id) != balancer::Seating::State::kVacant;
  }
  // Whether nothing of the node's users is left there, but for leases.
  bool IsDeserted(const Node& node) const {
    const balancer::NodePool::Counts counts = node.pool.counts();
    return counts.in_use == 0 && counts.waiting == 0 && health.sessions(node.id) == 0;
  }

  bool resumes() const { return rules.shared_storage && terms()->resume.enabled; }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<ClusterTerms> terms_ = std::make_shared<ClusterTerms>();
};

}  // namespace poplar::upstream
