#pragma once

#include <string>
#include <vector>

#include "proxy/session/meter.h"
#include "proxy/session/record.h"
#include "proxy/upstream/observer.h"

namespace poplar::session {

// Keeps what a meter was told, in order, one word or two a call: "RETR ok", "login rejected".
class RecordingMeter final : public Meter {
 public:
  void ConnectionRefused(size_t, admission::Refusal refusal) override {
    calls.push_back("refused " + std::string(admission::Name(refusal)));
  }
  void SessionBegan(size_t) override { calls.emplace_back("began"); }
  void SessionEnded(size_t, const Record& record) override {
    calls.push_back("ended " + std::string(Name(record.reason)));
  }
  void HandshakeEnded(HandshakeResult, tls::FailureReason, const Record&, io::Duration) override {
    calls.emplace_back("handshake");
  }
  void LoginEnded(size_t, LoginResult result, const Record&, io::Duration) override {
    constexpr const char* kNames[] = {
        "ok",      "rejected",  "unavailable",           "backend_error",
        "timeout", "abandoned", "directory_unavailable", "throttled"};
    calls.push_back(std::string("login ") + kNames[static_cast<size_t>(result)]);
  }
  void LoginDelayed(io::Duration delay) override { delays.push_back(delay); }
  void NodeFailed(balancer::NodeId node, upstream::NodeFailure failure) override {
    calls.push_back("failed " + Number(node) + " " + std::string(upstream::Name(failure)));
  }
  void FailedOver(balancer::NodeId from) override { calls.push_back("over " + Number(from)); }
  void NodeSessionBegan(balancer::NodeId node) override {
    calls.push_back("node+ " + Number(node));
  }
  void NodeSessionEnded(balancer::NodeId node) override {
    calls.push_back("node- " + Number(node));
  }
  // What the pools do goes to a list of its own: most tests have none.
  void LeaseTaken(balancer::NodeId node, LeaseSource source) override {
    constexpr const char* kNames[] = {"parked", "warm", "new"};
    pool.push_back("take " + Number(node) + " " + kNames[static_cast<size_t>(source)]);
  }
  void ParkedFound(balancer::NodeId node, ParkedOutcome outcome, io::Duration age) override {
    ages.push_back(age);
    constexpr const char* kNames[] = {"reused", "too_old", "other_credential", "dead"};
    pool.push_back("found " + Number(node) + " " + kNames[static_cast<size_t>(outcome)]);
  }
  void ParkEnded(balancer::NodeId node, ParkResult result) override {
    constexpr const char* kNames[] = {"parked",    "off",         "deletes", "pipelined",
                                      "sys_error", "node_closed", "too_old", "refused"};
    pool.push_back("park " + Number(node) + " " + kNames[static_cast<size_t>(result)]);
  }
  void QueueLeft(balancer::NodeId node, QueueResult result, io::Duration) override {
    constexpr const char* kNames[] = {"granted", "timeout", "client_left", "ended", "node_out"};
    pool.push_back("queue " + Number(node) + " " + kNames[static_cast<size_t>(result)]);
  }
  void LoginRetried(RetryReason reason) override {
    constexpr const char* kNames[] = {"unreachable", "hold_down",   "in_use",
                                      "user_limit",  "answer_lost", "elsewhere"};
    pool.push_back(std::string("retry ") + kNames[static_cast<size_t>(reason)]);
  }
  void ResumeEnded(ResumeResult result, io::Duration stalled) override {
    stalls.push_back(stalled);
    calls.push_back("resume " + std::string(Name(result)));
  }
  void NodeLoggedIn(balancer::NodeId, io::Duration took) override { node_logins.push_back(took); }
  void DirectoryAnswered(size_t, directory::Answer::Kind, io::Duration took) override {
    lookups.push_back(took);
  }
  void CommandAnswered(pop3::Verb verb, bool ok) override {
    calls.push_back(std::string(pop3::VerbName(verb)) + (ok ? " ok" : " err"));
  }
  void CommandAnswered(balancer::NodeId, pop3::Verb verb, bool ok,
                       const AnswerTimes& took) override {
    CommandAnswered(verb, ok);
    answers.push_back(took);
  }
  void MessageRetrieved(uint64_t bytes, io::Duration) override { messages.push_back(bytes); }
  void HeldBack(Pacing what) override {
    held_back.emplace_back(what == Pacing::kCommands ? "commands" : "bytes");
  }

  std::vector<std::string> calls;
  std::vector<std::string> pool;
  std::vector<io::Duration> ages;    // of the parked sessions found
  std::vector<io::Duration> delays;  // of logins
  std::vector<io::Duration> stalls;  // of the resumptions, good or bad
  std::vector<io::Duration> node_logins;
  std::vector<io::Duration> lookups;
  std::vector<AnswerTimes> answers;  // of nodes
  std::vector<uint64_t> messages;    // their sizes
  std::vector<std::string> held_back;

 private:
  static std::string Number(balancer::NodeId node) {
    return std::to_string(static_cast<uint32_t>(node));
  }
};

class RecordingObserver final : public upstream::Observer {
 public:
  void ProbeEnded(balancer::NodeId, upstream::NodeFailure, io::Duration) override {}
  void NodeChanged(const balancer::Transition& transition) override {
    transitions.push_back(transition);
  }
  void WarmOpened(balancer::NodeId, upstream::NodeFailure, io::Duration) override {}
  void ParkedEnded(balancer::NodeId, upstream::ParkedEnd) override {}

  std::vector<balancer::Transition> transitions;
};

class RecordingLog final : public SessionLog {
 public:
  void Write(const Record& record) override { records.push_back(record); }
  std::vector<Record> records;
};

}  // namespace poplar::session
