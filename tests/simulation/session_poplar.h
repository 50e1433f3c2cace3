#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "balancer/affinity.h"
#include "proxy/io/task_scope.h"
#include "proxy/session/session.h"
#include "proxy/tls/keyed_digest.h"
#include "tests/simulation/session_mistake.h"
#include "tests/simulation/sim_proactor.h"

namespace poplar::simulation {

// Keeps every record, and holds the sessions to one each.
class RecordingLog final : public session::SessionLog {
 public:
  explicit RecordingLog(SessionMistake mistake) : mistake_(mistake) {}
  void Write(const session::Record& record) override;
  const std::vector<session::Record>& records() const { return records_; }

 private:
  const SessionMistake mistake_;
  std::vector<session::Record> records_;
};

// Sees that what begins also ends.
class BalancedMeter final : public session::Meter {
 public:
  void SessionBegan(size_t) override { ++sessions_; }
  void SessionEnded(size_t, const session::Record&) override { --sessions_; }
  void HandshakeEnded(session::HandshakeResult, const session::Record&, io::Duration) override {}
  void LoginEnded(session::LoginResult, const session::Record&, io::Duration) override {}
  void NodeFailed(balancer::NodeId, upstream::NodeFailure) override {}
  void FailedOver(balancer::NodeId) override {}
  void NodeSessionBegan(balancer::NodeId) override { ++node_sessions_; }
  void NodeSessionEnded(balancer::NodeId) override { --node_sessions_; }
  void LeaseTaken(balancer::NodeId, session::LeaseSource) override {}
  void ParkedFound(balancer::NodeId, session::ParkedOutcome, io::Duration) override {}
  void ParkEnded(balancer::NodeId, session::ParkResult) override {}
  void QueueLeft(balancer::NodeId, session::QueueResult, io::Duration) override {}
  void LoginRetried(session::RetryReason) override {}
  void CommandAnswered(pop3::Verb, bool, io::Duration) override {}

  int64_t sessions() const { return sessions_; }
  int64_t node_sessions() const { return node_sessions_; }

 private:
  int64_t sessions_ = 0;
  int64_t node_sessions_ = 0;
};

// Nobody looks at it yet.
class QuietObserver final : public upstream::Observer {
 public:
  void ProbeEnded(balancer::NodeId, upstream::NodeFailure, io::Duration) override {}
  void NodeChanged(const balancer::Transition&) override {}
  void WarmOpened(balancer::NodeId, upstream::NodeFailure) override {}
  void ParkedEnded(balancer::NodeId, upstream::ParkedEnd) override {}
};

// A Poplar of one worker: what proxy/server's Worker does around the sessions, on a simulated
// machine. Watches its own bounds after every event.
class SessionPoplar final : private Actor {
 public:
  // `nodes`: the cluster's, by number in the settings' table.
  SessionPoplar(Network& network, SessionMistake mistake);
  ~SessionPoplar() override;

  void Start(std::shared_ptr<const session::Settings> settings);
  void StopAccepting();
  void Drain();
  void Abort();

  SimProactor& proactor() { return proactor_; }
  const session::Settings& settings() const { return *settings_; }
  io::Address address() const { return address_; }
  bool drained() const { return draining_; }
  bool aborted() const { return aborted_; }
  size_t session_count() const { return sessions_.size(); }
  bool idle() const { return accepting_.count() == 0 && serving_.count() == 0; }
  const std::vector<session::Record>& records() const { return log_.records(); }
  // Everything is given back and each accepted connection has its one record.
  void MustBeClean();

 private:
  io::Task<void> AcceptAll();
  io::Task<void> Serve(io::Accepted accepted);
  void Poke() override;

  World& world_;
  const SessionMistake mistake_;
  SimProactor proactor_;
  io::TaskScope accepting_;
  io::TaskScope serving_;
  balancer::Affinity affinity_;
  const tls::KeyedDigest digest_;
  RecordingLog log_;
  BalancedMeter meter_;
  QuietObserver observer_;
  std::shared_ptr<const session::Settings> settings_;
  std::list<session::Session*> sessions_;  // in order of arrival
  io::SocketId listener_ = io::SocketId::kNone;
  io::Address address_;
  size_t accepted_ = 0;
  bool draining_ = false;
  bool aborted_ = false;
};

}  // namespace poplar::simulation
