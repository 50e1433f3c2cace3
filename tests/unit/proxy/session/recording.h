#pragma once

#include <string>
#include <vector>

#include "proxy/session/meter.h"
#include "proxy/session/record.h"

namespace poplar::session {

// Keeps what a meter was told, in order, one word or two a call: "RETR ok", "login rejected".
class RecordingMeter final : public Meter {
 public:
  void SessionBegan(size_t) override { calls.emplace_back("began"); }
  void SessionEnded(size_t, const Record& record) override {
    calls.push_back("ended " + std::string(Name(record.reason)));
  }
  void HandshakeEnded(HandshakeResult, const Record&, io::Duration) override {
    calls.emplace_back("handshake");
  }
  void LoginEnded(LoginResult result, const Record&, io::Duration) override {
    constexpr const char* kNames[] = {"ok", "rejected", "unavailable", "backend_error", "timeout"};
    calls.push_back(std::string("login ") + kNames[static_cast<size_t>(result)]);
  }
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
  void CommandAnswered(pop3::Verb verb, bool ok, io::Duration) override {
    calls.push_back(std::string(pop3::VerbName(verb)) + (ok ? " ok" : " err"));
  }

  std::vector<std::string> calls;

 private:
  static std::string Number(balancer::NodeId node) {
    return std::to_string(static_cast<uint32_t>(node));
  }
};

class RecordingLog final : public SessionLog {
 public:
  void Write(const Record& record) override { records.push_back(record); }
  std::vector<Record> records;
};

}  // namespace poplar::session
