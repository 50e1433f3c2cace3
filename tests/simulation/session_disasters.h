#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/network.h"
#include "tests/simulation/session_mail.h"
#include "tests/simulation/session_node.h"
#include "tests/simulation/session_poplar.h"

namespace poplar::simulation {

// What befalls a story from outside: nodes that die, stand still, fall silent, refuse, come back,
// have trouble with their storage; operators who drain them or take them down; a Poplar that is
// stopped, or gets no time; mail that comes in, and goes by other ways than Poplar.
class SessionDisasters {
 public:
  // A node's process, started anew at the same address.
  using Restart = std::function<void(size_t node)>;

  SessionDisasters(World& world, Network& network, SessionPoplar& poplar, SessionMail& mail,
                   std::vector<std::unique_ptr<SessionNode>>& nodes, Restart restart);

  void Plan(Climate climate, const SessionRules& rules);

  bool nodes_fail() const { return nodes_fail_; }
  bool drains_nodes() const { return drains_nodes_; }
  bool drops_nodes() const { return drops_nodes_; }
  bool stops_poplar() const { return stops_poplar_; }

 private:
  void Happen(io::Duration when, std::function<void()> what);
  void PlanNode(size_t node, io::Duration when);
  void PlanTrouble(size_t node, io::Duration when, io::Duration until);
  void PlanFreeze(size_t node, io::Duration when, io::Duration until);
  void PlanDeaths();
  void PlanOperator(bool drops);
  void PlanMail();
  void PlanStop();
  void PlanPauses(const SessionRules& rules);

  World& world_;
  Network& network_;
  SessionPoplar& poplar_;
  SessionMail& mail_;
  std::vector<std::unique_ptr<SessionNode>>& nodes_;  // by number, the latest process of each
  const Restart restart_;
  SeededRandom random_;
  bool nodes_fail_ = false;
  bool drains_nodes_ = false;
  bool drops_nodes_ = false;
  bool stops_poplar_ = false;
};

}  // namespace poplar::simulation
