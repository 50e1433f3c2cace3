#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "balancer/node_pool.h"
#include "proxy/session/settings.h"
#include "proxy/tls/keyed_digest.h"
#include "tests/simulation/session_mistake.h"

namespace poplar::simulation {

// Makes the mistakes that a pool could make, by changing what lies in it behind Poplar's back. Does
// nothing unless it is to make one.
class PoolSaboteur {
 public:
  PoolSaboteur(SessionMistake mistake, const tls::KeyedDigest& digest)
      : mistake_(mistake), digest_(digest) {}

  // The users and their passwords. A wrong password serves too where credentials are swapped.
  void Begin(const session::Settings& settings, std::vector<std::string> users,
             std::string password, std::string wrong_password);
  // Ends what the pool doesn't keep.
  using End = std::function<void(balancer::NodePool::Idle)>;
  // A session has just been parked at the node.
  void OnParked(const session::Settings& settings, upstream::Node& node, io::Time now,
                const End& end);

 private:
  void Change(upstream::Node& node, balancer::ClusterId cluster, size_t user, io::Time now,
              const End& end);

  const SessionMistake mistake_;
  const tls::KeyedDigest& digest_;
  std::vector<std::string> users_;
  std::string password_;
  std::string wrong_password_;
  std::vector<balancer::Slot> leaked_;
};

}  // namespace poplar::simulation
