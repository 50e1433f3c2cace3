#pragma once

#include <functional>
#include <vector>

#include "proxy/session/meter.h"
#include "proxy/session/record.h"
#include "tests/simulation/queue_judge.h"
#include "tests/simulation/session_mistake.h"

namespace poplar::simulation {

// Keeps every record, and holds the sessions to one each.
class RecordingLog final : public session::SessionLog {
 public:
  explicit RecordingLog(SessionMistake mistake) : mistake_(mistake) {}
  void Write(const session::Record& record) override {
    const bool failed = session::SideOf(record.reason) == session::Side::kNode;
    if (mistake_ == SessionMistake::kLosesRecord && failed) return;
    records_.push_back(record);
  }
  const std::vector<session::Record>& records() const { return records_; }

 private:
  const SessionMistake mistake_;
  std::vector<session::Record> records_;
};

// Sees that what begins also ends, and in which order logins leave the queues.
class BalancedMeter final : public session::Meter {
 public:
  struct Totals {
    uint64_t logins = 0;
    uint64_t reused = 0;
    uint64_t warm = 0;
    uint64_t parked = 0;
    uint64_t unfit = 0;
    uint64_t queued_and_served = 0;
    uint64_t queued_in_vain = 0;
    uint64_t left_queue = 0;
    uint64_t failed_over = 0;
    uint64_t retried = 0;
    uint64_t resumed = 0;
    uint64_t not_resumed = 0;
  };

  BalancedMeter(World& world, const SessionRules& rules, QueueJudge& queues)
      : world_(world), rules_(rules), queues_(queues) {}

  void ConnectionRefused(size_t, admission::Refusal) override {}
  void SessionBegan(size_t) override { ++sessions_; }
  void SessionEnded(size_t, const session::Record&) override { --sessions_; }
  void HandshakeEnded(session::HandshakeResult, tls::FailureReason, const session::Record&,
                      io::Duration) override {}
  void LoginEnded(size_t, session::LoginResult result, const session::Record&,
                  io::Duration) override {
    if (result == session::LoginResult::kOk) ++totals_.logins;
  }
  void LoginDelayed(io::Duration) override {}
  void NodeFailed(balancer::NodeId, upstream::NodeFailure) override {}
  void FailedOver(balancer::NodeId) override { ++totals_.failed_over; }
  void NodeSessionBegan(balancer::NodeId) override { ++node_sessions_; }
  void NodeSessionEnded(balancer::NodeId) override { --node_sessions_; }
  void LeaseTaken(balancer::NodeId, session::LeaseSource source) override {
    if (source == session::LeaseSource::kParked) ++totals_.reused;
    if (source == session::LeaseSource::kWarm) ++totals_.warm;
  }
  void ParkedFound(balancer::NodeId, session::ParkedOutcome outcome, io::Duration) override {
    if (outcome != session::ParkedOutcome::kReused) ++totals_.unfit;
  }
  void ParkEnded(balancer::NodeId node, session::ParkResult result) override {
    if (result != session::ParkResult::kParked) return;
    ++totals_.parked;
    if (on_parked_) on_parked_(node);
  }
  void QueueLeft(balancer::NodeId node, session::QueueResult result, io::Duration waited) override {
    using session::QueueResult;
    if (result == QueueResult::kGranted) ++totals_.queued_and_served;
    if (result == QueueResult::kTimeout) ++totals_.queued_in_vain;
    if (result == QueueResult::kClientLeft) ++totals_.left_queue;
    queues_.OnLeft(node, result, waited);
  }
  void LoginRetried(session::RetryReason) override { ++totals_.retried; }
  void ResumeEnded(session::ResumeResult result, io::Duration stalled) override {
    ++(result == session::ResumeResult::kResumed ? totals_.resumed : totals_.not_resumed);
    // The last node that it was resumed at has its time to answer too; and what a deadline's timer
    // ends has to unwind.
    const io::Duration longest = rules_.resume.deadline + rules_.upstream.response +
                                 rules_.Paused() + std::chrono::seconds(5);
    if (stalled > longest) {
      world_.Fail("a client stalled for " + std::to_string(io::Seconds(stalled)) +
                  " s, longer than it may: " + std::to_string(io::Seconds(longest)) + " s");
    }
  }
  void NodeLoggedIn(balancer::NodeId, io::Duration) override {}
  void DirectoryAnswered(size_t, directory::Answer::Kind, io::Duration) override {}
  void CommandAnswered(pop3::Verb, bool) override {}
  void CommandAnswered(balancer::NodeId, pop3::Verb, bool, const session::AnswerTimes&) override {}
  void MessageRetrieved(uint64_t, io::Duration) override {}
  void HeldBack(session::Pacing) override {}

  // Called right after a session was parked at the node.
  void set_on_parked(std::function<void(balancer::NodeId)> on_parked) {
    on_parked_ = std::move(on_parked);
  }
  int64_t sessions() const { return sessions_; }
  int64_t node_sessions() const { return node_sessions_; }
  const Totals& totals() const { return totals_; }

 private:
  World& world_;
  const SessionRules& rules_;
  QueueJudge& queues_;
  std::function<void(balancer::NodeId)> on_parked_;
  int64_t sessions_ = 0;
  int64_t node_sessions_ = 0;
  Totals totals_;
};

}  // namespace poplar::simulation
