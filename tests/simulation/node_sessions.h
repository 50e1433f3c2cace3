#pragma once

#include <list>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/health_judge.h"
#include "tests/simulation/network.h"
#include "tests/simulation/session_ledger.h"

namespace poplar::simulation {

// A session at a node, from the accepted login to the connection's end.
struct NodeSession {
  size_t user = 0;
  std::string name;  // as it was spelled to the node
  size_t node = 0;
  io::Address peer;  // Poplar's end
  io::Time accepted{};
  std::optional<size_t> came_from;  // the node of the user's session before it
  size_t attempt = 0;               // whom it serves, by tag; 0: nobody has said yet
  std::optional<io::Time> first_tag;
  bool quit = false;
};

// All users' sessions at all nodes, as the nodes see them: who is served on which connection, when,
// and where the user was before. Every check fails the world by itself.
class NodeSessions {
 public:
  // `orders`: each user's nodes, best first.
  NodeSessions(SessionLedger& ledger, const Network& network, const HealthJudge& health,
               const SessionRules& rules);
  void set_orders(std::vector<std::vector<size_t>> orders) { orders_ = std::move(orders); }

  NodeSession& OnAccepted(size_t user, std::string_view name, size_t node, const io::Address& peer);
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
  void JudgeMove(const NodeSession& session, const Attempt& by);
  void JudgeReuse(const NodeSession& session, const Attempt& last, const Attempt& next);
  void JudgeCount(const NodeSession& session);
  io::Time DecidedFrom(const NodeSession& session, const Attempt& by) const;

  SessionLedger& ledger_;
  World& world_;
  const Network& network_;
  const HealthJudge& health_;
  const SessionRules& rules_;
  std::vector<std::vector<size_t>> orders_;
  std::list<NodeSession> sessions_;
  std::vector<std::optional<size_t>> last_node_;  // by user
  uint64_t reused_ = 0;
  uint64_t moved_ = 0;
};

}  // namespace poplar::simulation
