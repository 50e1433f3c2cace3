#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/io/task_scope.h"
#include "proxy/upstream/cluster.h"
#include "proxy/upstream/observer.h"
#include "tests/simulation/network.h"
#include "tests/unit/proxy/upstream/scripted_node.h"

namespace poplar::upstream {

// What an Observer was told, with the times.
class Recorder final : public Observer {
 public:
  struct Probe {
    NodeFailure failure;
    io::Time begun;
    io::Time ended;
  };
  struct Change {
    balancer::Transition transition;
    io::Time at;
  };

  explicit Recorder(const simulation::World& world) : world_(world) {}
  void ProbeEnded(balancer::NodeId, NodeFailure failure, io::Duration took) override {
    probes.push_back({failure, world_.Now() - took, world_.Now()});
  }
  void NodeChanged(const balancer::Transition& transition) override {
    changes.push_back({transition, world_.Now()});
  }
  void ParkedEnded(balancer::NodeId, ParkedEnd end) override { parked_ends.push_back(end); }
  void WarmOpened(balancer::NodeId, NodeFailure failure, io::Duration took) override {
    opened.push_back(failure);
    opening_took.push_back(took);
  }

  std::vector<Probe> probes;
  std::vector<Change> changes;
  std::vector<NodeFailure> opened;
  std::vector<io::Duration> opening_took;
  std::vector<ParkedEnd> parked_ends;

 private:
  const simulation::World& world_;
};

struct NodeBenchOptions {
  balancer::HealthRules health = {};
  balancer::PoolLimits pool = {};
  simulation::Faults faults = {};
  uint64_t seed = 7;
  balancer::Seating::State seat = balancer::Seating::State::kPresent;
};

// A cluster of one node, as a worker of Poplar sees it. Whoever runs in scope() must have ended
// before the bench goes.
class NodeBench {
 public:
  using Options = NodeBenchOptions;
  static constexpr balancer::NodeId kNode{5};

  explicit NodeBench(const Options& options = {})
      : world_(options.seed),
        network_(world_, options.faults),
        cluster(balancer::ClusterId{1}, "cluster", {.shared_storage = true}, options.health,
                {{.node = kNode, .seat = options.seat}}) {
    script.set_answer("QUIT", {"+OK bye\r\n", ScriptedNode::Answer::Then::kClose});
    script.set_answer("CAPA", {"+OK\r\nTOP\r\nUIDL\r\nPIPELINING\r\n.\r\n"});
    script.set_answer("STAT", {"+OK 0 0\r\n"});
    auto endpoint = std::make_shared<Endpoint>(
        Endpoint{.name = "cluster/node", .address = script.address(), .host_name = "node"});
    cluster.nodes.push_back(
        std::make_unique<Node>(kNode, std::move(endpoint), options.pool, std::chrono::seconds(15)));
  }

  ~NodeBench() {
    script.Stop();
    EXPECT_TRUE(Run([this] { return script.idle() && scope_.count() == 0; })) << world_.why_not();
    script.connections().clear();
    script.machine().MustBeIdle();
  }

  bool Run(const std::function<bool()>& predicate, io::Duration most = std::chrono::hours(1)) {
    return world_.RunUntil(predicate, most);
  }
  void RunFor(io::Duration time) {
    Run([] { return false; }, time);
  }
  io::Time Now() const { return world_.Now(); }
  balancer::Moment Moment() const { return Now().time_since_epoch(); }

  Node& node() { return *cluster.nodes.front(); }
  balancer::NodePool& pool() { return node().pool; }
  // Of the connections that the node has seen, in order.
  std::vector<std::string> Dialogues() {
    std::vector<std::string> all;
    for (const DrivenPeer& peer : script.connections()) all.push_back(peer.received());
    return all;
  }
  size_t OpenConnections() {
    size_t open = 0;
    for (const DrivenPeer& peer : script.connections()) {
      if (peer.end() == DrivenPeer::End::kOpen) ++open;
    }
    return open;
  }
  simulation::SimProactor& poplar() { return poplar_; }
  simulation::World& world() { return world_; }
  simulation::Network& network() { return network_; }
  io::TaskScope& scope() { return scope_; }

 private:
  simulation::World world_;
  simulation::Network network_;
  simulation::SimProactor poplar_{network_, "poplar", *io::Address::Parse("192.0.2.1", 0)};
  io::TaskScope scope_{poplar_.ready()};

 public:
  ScriptedNode script{network_, "node", "192.0.2.10"};
  Recorder recorder{world_};
  Cluster cluster;
};

}  // namespace poplar::upstream
