#pragma once

#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/health_judge.h"
#include "tests/simulation/move_judge.h"
#include "tests/simulation/network.h"
#include "tests/simulation/places.h"
#include "tests/simulation/session_discovery.h"
#include "tests/simulation/session_ledger.h"

namespace poplar::simulation {

// A session at a node, from the accepted login to the connection's end.
struct NodeSession {
  size_t user = 0;
  std::string name;  // as it was spelled to the node
  size_t node = 0;
  io::Address at;    // where the node is
  io::Address peer;  // Poplar's end
  io::Time accepted{};
  std::optional<size_t> came_from;  // the node of the user's session before it in the cluster
  size_t attempt = 0;               // whom it serves, by tag; 0: nobody has said yet
  std::optional<io::Time> first_tag;
  bool quit = false;
};

// All users' sessions at all nodes, as the nodes see them: who is served on which connection, when,
// and where the user was before. Every check fails the world by itself.
class NodeSessions {
 public:
  NodeSessions(SessionLedger& ledger, const Network& network, const HealthJudge& health,
               const SessionRules& rules, const Places& places);
  // Each user's nodes of each cluster, best first.
  void set_orders(std::vector<std::vector<size_t>> orders) { orders_ = std::move(orders); }
  // Where there is one.
  void set_moves(const MoveJudge* moves) { moves_ = moves; }
  void set_discovery(const SessionDiscovery* discovery) { discovery_ = discovery; }

  struct Whereabouts {
    size_t node = 0;
    io::Address at;
    io::Address peer;
  };
  NodeSession& OnAccepted(size_t user, std::string_view name, const Whereabouts& where);
  // The session's client says which one it is.
  void OnTag(NodeSession& session, size_t attempt);
  // A whole QUIT; the node is about to delete what is marked.
  void OnQuit(NodeSession& session, const std::set<std::string>& marked);
  // Its word at the end.
  void OnGoodbye(NodeSession& session);
  void OnTraffic(NodeSession& session);
  void OnEnd(NodeSession& session);
  uint64_t reused() const { return reused_; }
  uint64_t moved() const { return moved_; }

 private:
  bool IsOpen(const NodeSession& session) const { return network_.IsOpenFrom(session.peer); }
  bool MayServe(const NodeSession& session, const Attempt& attempt) const;
  void JudgeNode(const NodeSession& session, const Attempt& by);
  void JudgeCluster(const NodeSession& session, const Attempt& by);
  void JudgeGone(const NodeSession& session, const Attempt& by);
  void JudgeAddress(const NodeSession& session, const Attempt& by, io::Time from);
  void JudgeDeparture(const NodeSession& session) const;
  bool WasThere(const NodeSession& session, io::Time since) const;
  void JudgeReuse(const NodeSession& session, const Attempt& last, const Attempt& next);
  void JudgeCount(const NodeSession& session);
  io::Time DecidedFrom(const NodeSession& session, const Attempt& by) const;

  SessionLedger& ledger_;
  World& world_;
  const Network& network_;
  const HealthJudge& health_;
  const SessionRules& rules_;
  const Places& places_;
  const MoveJudge* moves_ = nullptr;
  const SessionDiscovery* discovery_ = nullptr;
  std::vector<std::vector<size_t>> orders_;
  std::list<NodeSession> sessions_;
  std::map<std::pair<size_t, size_t>, size_t> last_node_;    // by user and cluster
  std::map<std::pair<size_t, size_t>, io::Time> last_seen_;  // of a session, by user and node
  uint64_t reused_ = 0;
  uint64_t moved_ = 0;
};

}  // namespace poplar::simulation
