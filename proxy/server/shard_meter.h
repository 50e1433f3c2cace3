#pragma once

#include "metrics/labels.h"
#include "metrics/shard.h"
#include "proxy/session/meter.h"

namespace poplar::server {

// A worker's sessions, counted in that worker's shard.
class ShardMeter final : public session::Meter {
 public:
  explicit ShardMeter(metrics::Shard& shard) : shard_(shard) {}

  void ConnectionRefused(size_t listener, admission::Refusal refusal) override;
  void SessionBegan(size_t listener) override;
  void SessionEnded(size_t listener, const session::Record& record) override;
  void HandshakeEnded(session::HandshakeResult result, tls::FailureReason reason,
                      const session::Record& record, io::Duration took) override;
  void LoginEnded(size_t listener, session::LoginResult result, const session::Record& record,
                  io::Duration took) override;
  void NodeLoggedIn(balancer::NodeId node, io::Duration took) override;
  void DirectoryAnswered(size_t directory, directory::Answer::Kind answer,
                         io::Duration took) override;
  void LoginDelayed(io::Duration delay) override;
  void NodeFailed(balancer::NodeId node, upstream::NodeFailure failure) override;
  void FailedOver(balancer::NodeId from) override;
  void NodeSessionBegan(balancer::NodeId node) override;
  void NodeSessionEnded(balancer::NodeId node) override;
  void LeaseTaken(balancer::NodeId node, session::LeaseSource source) override;
  void ParkedFound(balancer::NodeId node, session::ParkedOutcome outcome,
                   io::Duration age) override;
  void ParkEnded(balancer::NodeId node, session::ParkResult result) override;
  void QueueLeft(balancer::NodeId node, session::QueueResult result, io::Duration waited) override;
  void LoginRetried(session::RetryReason reason) override;
  void ResumeEnded(session::ResumeResult result, io::Duration stalled) override;
  void CommandAnswered(pop3::Verb verb, bool ok) override;
  void CommandAnswered(balancer::NodeId node, pop3::Verb verb, bool ok,
                       const session::AnswerTimes& took) override;
  void MessageRetrieved(uint64_t bytes, io::Duration took) override;
  void HeldBack(session::Pacing what) override;

 private:
  metrics::Shard& shard_;
};

// The label values that sessions bring: end reasons and commands.
void AddSessionDimensions(metrics::Dimensions& dimensions);

}  // namespace poplar::server
