#pragma once

#include <memory>
#include <string>

#include "proxy/demo/mail_node.h"
#include "proxy/io/task_scope.h"
#include "tests/simulation/node_tap.h"

namespace poplar::simulation {

// A mail node on a machine of its own: Poplar's demo node behind taps that watch and at times break
// its connections.
class SessionNode {
 public:
  struct Plan {
    size_t index = 0;
    int removals = 0;  // to another address
    bool exclusive_lock = false;
    double fault = 0;  // a connection
    // Where nobody may notice: only the connection's death, and only so often among all nodes.
    int* deaths_left = nullptr;
    SessionMistake mistake = SessionMistake::kNone;
    size_t fault_bytes_max = 0;  // said before the fault shows
    int generation = 0;          // of its process: that many died before
    io::Address prober;          // the host whose connections are probes
    io::Duration stale{};        // how old its view of the users' mail may be
  };
  SessionNode(Network& network, demo::MailStore& store, SessionLedger& ledger,
              NodeSessions& sessions, const Plan& plan);

  // The machine of a node, at first and after it has gone to another.
  static constexpr uint16_t kPort = 110;
  static io::Address AddressOf(size_t index, int removals);

  void Start();
  // No longer listens, so that connects are refused; sessions stay. Start undoes it.
  void Refuse();
  // What is answered [SYS/TEMP].
  NodeTrouble& trouble() { return trouble_; }
  StaleView& view() { return view_; }
  void Stop();
  bool idle() const { return scope_.count() == 0; }
  io::Address address() const { return address_; }
  SimProactor& proactor() { return proactor_; }
  const Plan& plan() const { return plan_; }

 private:
  io::Task<void> AcceptAll(io::SocketId listener);
  NodeTap::Plan DrawTap(const io::Address& peer);

  const Plan plan_;
  SimProactor proactor_;
  SeededRandom random_;
  StaleView view_;
  SessionLedger& ledger_;
  NodeSessions& sessions_;
  demo::MailNode node_;
  io::TaskScope scope_;
  io::Address address_;
  io::SocketId listener_ = io::SocketId::kNone;  // none: it refuses
  NodeTrouble trouble_;
  bool stopped_ = false;
};

}  // namespace poplar::simulation
