#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "tests/simulation/move_script.h"
#include "tests/simulation/name_script.h"
#include "tests/simulation/name_server.h"
#include "tests/simulation/network.h"
#include "tests/simulation/node_sessions.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/session_client.h"
#include "tests/simulation/session_disasters.h"
#include "tests/simulation/session_ledger.h"
#include "tests/simulation/session_mistake.h"
#include "tests/simulation/session_node.h"
#include "tests/simulation/session_poplar.h"

namespace poplar::simulation {

// One telling of the session scenario: draws the cast, lets it play, judges.
class SessionStory {
 public:
  SessionStory(World& world, SessionMistake mistake);
  void Run();

  // What has happened.
  void AddTo(Totals& totals) const;

 private:
  void BuildNodes();
  void StartNode(const SessionNode::Plan& plan);
  void Restart(size_t node);
  void Remove(size_t node);
  void DeliverMail(const session::Settings& settings);
  void PlanMove();
  void PlanNames();
  void Rename(size_t node, bool named);
  void SpawnClients();
  ClientPlan DrawClient();
  void DrawTemper(ClientPlan& plan);

  bool ClientsDone() const;
  bool NodesIdle() const;
  size_t StoreOf(size_t node) const { return rules_.one_store ? 0 : node; }
  void JudgeClients();
  void JudgeRecords();
  void JudgeRecord(const session::Record& record);
  void JudgeResumption(const session::Record& record, const Attempt& attempt);
  void JudgeMoved(const session::Record& record, const Attempt& attempt);
  size_t ClusterOf(const session::Record& record) const;
  bool WasMoved(const session::Record& record, const Attempt& attempt) const;
  static bool EndedByMove(const session::Record& record);
  bool WhyNotFits(const session::Record& record, const Attempt& attempt) const;
  bool Excused(const session::Record& record, const Attempt& attempt) const;
  bool SessionsMayBeLost(const Attempt& attempt) const;
  bool ReasonFits(const session::Record& record, const Attempt& attempt) const;
  bool NodesMayFail() const;
  bool LoginsMayFail() const;
  // Deadlines may pass although everybody does their best.
  bool slow() const;
  // Nothing hinders anybody: then everybody must get what they want.
  bool fair() const;
  size_t Piece() const;

  World& world_;
  const SessionMistake mistake_;
  SeededRandom random_;
  const Climate climate_;
  const Places places_;
  Network network_;
  const SessionRules rules_;
  SessionMail mail_;
  SessionLedger ledger_;
  SessionPoplar poplar_;
  std::unique_ptr<NameServer> names_;  // null: the nodes are always the same
  std::optional<MoveScript> move_;
  std::unique_ptr<MoveJudge> moves_;  // null: nobody is moved
  NodeSessions node_sessions_;
  std::vector<std::unique_ptr<SessionNode>> nodes_;       // by number, the latest process of each
  std::vector<std::unique_ptr<SessionNode>> dead_nodes_;  // those that were started anew
  SessionDisasters disasters_;
  SimProactor steady_machine_;
  SimProactor doomed_machine_;  // vanishes, in some worlds
  io::TaskScope steady_scope_;
  io::TaskScope doomed_scope_;
  std::deque<SessionClient> clients_;
  bool bad_nodes_ = false;
  int deaths_left_ = 0;  // of sessions' connections to their nodes
  bool doomed_vanishes_ = false;
  bool somebody_stalls_ = false;
  bool over_ = false;
};

}  // namespace poplar::simulation
