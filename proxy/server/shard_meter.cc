#include "proxy/server/shard_meter.h"

#include <algorithm>

#include "metrics/instruments.h"

namespace poplar::server {
namespace {

metrics::Listener ListenerLabel(size_t listener) {
  return metrics::Listener{static_cast<uint16_t>(listener)};
}
metrics::Node NodeLabel(balancer::NodeId node) {
  return metrics::Node{static_cast<uint16_t>(node)};
}

metrics::LoginResult LoginLabel(session::LoginResult result) {
  switch (result) {
    case session::LoginResult::kOk:
      return metrics::LoginResult::kOk;
    case session::LoginResult::kRejected:
      return metrics::LoginResult::kRejected;
    case session::LoginResult::kBackendUnavailable:
      return metrics::LoginResult::kBackendUnavailable;
    case session::LoginResult::kBackendError:
      return metrics::LoginResult::kBackendError;
    case session::LoginResult::kTimeout:
      return metrics::LoginResult::kTimeout;
    case session::LoginResult::kAbandoned:
      return metrics::LoginResult::kAbandoned;
    case session::LoginResult::kDirectoryUnavailable:
      return metrics::LoginResult::kDirectoryUnavailable;
    case session::LoginResult::kThrottled:
      return metrics::LoginResult::kThrottled;
  }
  return metrics::LoginResult::kInternal;
}

// Both have the same names, in the same order but for what only the metric has.
constexpr bool SameNames() {
  for (size_t i = 0; i < admission::kRefusals.size(); ++i) {
    if (metrics::LabelTraits<metrics::Rejection>::kValues[i] != admission::kRefusals[i])
      return false;
  }
  return true;
}
static_assert(SameNames());

metrics::Rejection RejectionLabel(admission::Refusal refusal) {
  return static_cast<metrics::Rejection>(refusal);
}

metrics::ConnectFailure FailureLabel(upstream::NodeFailure failure) {
  switch (failure) {
    case upstream::NodeFailure::kConnectRefused:
      return metrics::ConnectFailure::kRefused;
    case upstream::NodeFailure::kConnectTimeout:
    case upstream::NodeFailure::kGreetingTimeout:
    case upstream::NodeFailure::kTlsTimeout:
    case upstream::NodeFailure::kResponseTimeout:
      return metrics::ConnectFailure::kTimeout;
    case upstream::NodeFailure::kConnectFailed:
      return metrics::ConnectFailure::kUnreachable;
    case upstream::NodeFailure::kReset:
    case upstream::NodeFailure::kClosed:
      return metrics::ConnectFailure::kReset;
    case upstream::NodeFailure::kTlsFailed:
      return metrics::ConnectFailure::kTls;
    case upstream::NodeFailure::kGreetingRefused:
    case upstream::NodeFailure::kGreetingGarbage:
      return metrics::ConnectFailure::kGreeting;
    default:
      return metrics::ConnectFailure::kOther;
  }
}

metrics::TakeSource SourceLabel(session::LeaseSource source) {
  switch (source) {
    case session::LeaseSource::kParked:
      return metrics::TakeSource::kParked;
    case session::LeaseSource::kWarm:
      return metrics::TakeSource::kWarm;
    case session::LeaseSource::kNew:
      return metrics::TakeSource::kNew;
  }
  return metrics::TakeSource::kNew;
}

metrics::ParkedOutcome OutcomeLabel(session::ParkedOutcome outcome) {
  switch (outcome) {
    case session::ParkedOutcome::kReused:
      return metrics::ParkedOutcome::kReused;
    case session::ParkedOutcome::kTooOld:
      return metrics::ParkedOutcome::kTooOld;
    case session::ParkedOutcome::kOtherCredential:
      return metrics::ParkedOutcome::kOtherCredential;
    case session::ParkedOutcome::kDead:
      return metrics::ParkedOutcome::kDead;
  }
  return metrics::ParkedOutcome::kDead;
}

metrics::ParkResult ParkLabel(session::ParkResult result) {
  switch (result) {
    case session::ParkResult::kParked:
      return metrics::ParkResult::kParked;
    case session::ParkResult::kOff:
      return metrics::ParkResult::kOff;
    case session::ParkResult::kDeletes:
      return metrics::ParkResult::kDeletes;
    case session::ParkResult::kPipelined:
      return metrics::ParkResult::kPipelined;
    case session::ParkResult::kSysError:
      return metrics::ParkResult::kSysError;
    case session::ParkResult::kNodeClosed:
      return metrics::ParkResult::kNodeClosed;
    case session::ParkResult::kTooOld:
      return metrics::ParkResult::kTooOld;
    case session::ParkResult::kRefused:
      return metrics::ParkResult::kRefused;
  }
  return metrics::ParkResult::kRefused;
}

metrics::WaitResult WaitLabel(session::QueueResult result) {
  switch (result) {
    case session::QueueResult::kGranted:
      return metrics::WaitResult::kGranted;
    case session::QueueResult::kTimeout:
      return metrics::WaitResult::kTimeout;
    case session::QueueResult::kClientLeft:
      return metrics::WaitResult::kClientLeft;
    case session::QueueResult::kEnded:
      return metrics::WaitResult::kDrained;
    case session::QueueResult::kNodeOut:
      return metrics::WaitResult::kNodeOut;
  }
  return metrics::WaitResult::kDrained;
}

metrics::RetryReason RetryLabel(session::RetryReason reason) {
  switch (reason) {
    case session::RetryReason::kUnreachable:
      return metrics::RetryReason::kUnreachable;
    case session::RetryReason::kHoldDown:
      return metrics::RetryReason::kHoldDown;
    case session::RetryReason::kInUse:
      return metrics::RetryReason::kInUse;
    case session::RetryReason::kUserLimit:
      return metrics::RetryReason::kUserLimit;
    case session::RetryReason::kAnswerLost:
      return metrics::RetryReason::kAnswerLost;
    case session::RetryReason::kElsewhere:
      return metrics::RetryReason::kElsewhere;
  }
  return metrics::RetryReason::kUnreachable;
}

metrics::ResumeResult ResumeLabel(session::ResumeResult result) {
  switch (result) {
    case session::ResumeResult::kResumed:
      return metrics::ResumeResult::kResumed;
    case session::ResumeResult::kOff:
      return metrics::ResumeResult::kOff;
    case session::ResumeResult::kOpaque:
      return metrics::ResumeResult::kOpaque;
    case session::ResumeResult::kMode:
      return metrics::ResumeResult::kMode;
    case session::ResumeResult::kNoView:
      return metrics::ResumeResult::kNoView;
    case session::ResumeResult::kUnrepeatable:
      return metrics::ResumeResult::kUnrepeatable;
    case session::ResumeResult::kDifferent:
      return metrics::ResumeResult::kDifferent;
    case session::ResumeResult::kRefused:
      return metrics::ResumeResult::kRefused;
    case session::ResumeResult::kMoved:
      return metrics::ResumeResult::kMoved;
    case session::ResumeResult::kDeadline:
      return metrics::ResumeResult::kDeadline;
    case session::ResumeResult::kEnded:
      return metrics::ResumeResult::kEnded;
  }
  return metrics::ResumeResult::kEnded;
}

metrics::CommandClass ClassOf(pop3::Verb verb) {
  switch (verb) {
    case pop3::Verb::kList:
      return metrics::CommandClass::kList;
    case pop3::Verb::kUidl:
      return metrics::CommandClass::kUidl;
    case pop3::Verb::kRetr:
      return metrics::CommandClass::kRetr;
    case pop3::Verb::kTop:
      return metrics::CommandClass::kTop;
    case pop3::Verb::kDele:
    case pop3::Verb::kRset:
      return metrics::CommandClass::kChange;
    case pop3::Verb::kQuit:
      return metrics::CommandClass::kQuit;
    default:
      return metrics::CommandClass::kStatus;
  }
}

metrics::TlsVersion VersionLabel(std::string_view version) {
  if (version == "TLSv1.3") return metrics::TlsVersion::kTls13;
  if (version == "TLSv1.2") return metrics::TlsVersion::kTls12;
  return metrics::TlsVersion::kNone;
}

metrics::TlsResult TlsLabel(session::HandshakeResult result) {
  switch (result) {
    case session::HandshakeResult::kOk:
      return metrics::TlsResult::kOk;
    case session::HandshakeResult::kTimeout:
      return metrics::TlsResult::kTimeout;
    case session::HandshakeResult::kFailed:
      return metrics::TlsResult::kError;
  }
  return metrics::TlsResult::kError;
}

// `reason`: of a handshake that failed.
metrics::TlsFailure TlsFailureLabel(tls::FailureReason reason) {
  using tls::FailureReason;
  switch (reason) {
    case FailureReason::kNone:
      return metrics::TlsFailure::kReset;
    case FailureReason::kNotTls:
      return metrics::TlsFailure::kNotTls;
    case FailureReason::kUnsupportedVersion:
      return metrics::TlsFailure::kUnsupportedVersion;
    case FailureReason::kNoSharedCipher:
      return metrics::TlsFailure::kNoSharedCipher;
    case FailureReason::kAlpnMismatch:
      return metrics::TlsFailure::kAlpnMismatch;
    case FailureReason::kCertificateRejected:
      return metrics::TlsFailure::kCertificateRejected;
    case FailureReason::kVerifyFailed:
      return metrics::TlsFailure::kVerifyFailed;
    case FailureReason::kPeerAlert:
      return metrics::TlsFailure::kPeerAlert;
    case FailureReason::kProtocol:
      return metrics::TlsFailure::kProtocol;
    case FailureReason::kOther:
      return metrics::TlsFailure::kOther;
  }
  return metrics::TlsFailure::kOther;
}

metrics::Mechanism MechanismLabel(std::string_view name) {
  const auto& names = metrics::LabelTraits<metrics::Mechanism>::kValues;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return metrics::Mechanism::kOther;
  return static_cast<metrics::Mechanism>(found - names.begin());
}

metrics::DirectoryResult DirectoryLabel(directory::Answer::Kind answer) {
  using Kind = directory::Answer::Kind;
  switch (answer) {
    case Kind::kFound:
      return metrics::DirectoryResult::kFound;
    case Kind::kUnknown:
      return metrics::DirectoryResult::kUnknown;
    case Kind::kRefused:
      return metrics::DirectoryResult::kRefused;
    case Kind::kNotYet:
      return metrics::DirectoryResult::kNotYet;
    case Kind::kUnavailable:
      return metrics::DirectoryResult::kUnavailable;
  }
  return metrics::DirectoryResult::kUnavailable;
}

metrics::MessageSize SizeLabel(uint64_t bytes) {
  constexpr uint64_t kKiB = 1024, kMiB = 1024 * kKiB;
  if (bytes <= 16 * kKiB) return metrics::MessageSize::kTo16KiB;
  if (bytes <= 128 * kKiB) return metrics::MessageSize::kTo128KiB;
  if (bytes <= kMiB) return metrics::MessageSize::kTo1MiB;
  if (bytes <= 10 * kMiB) return metrics::MessageSize::kTo10MiB;
  return metrics::MessageSize::kOver10MiB;
}

}  // namespace

void AddSessionDimensions(metrics::Dimensions& dimensions) {
  for (const session::EndReasonFacts& facts : session::kEndReasons) {
    dimensions.session_ends.push_back({std::string(facts.name), std::string(Name(facts.side))});
  }
  for (size_t verb = 0; verb < pop3::kVerbCount; ++verb) {
    dimensions.commands.emplace_back(pop3::VerbName(static_cast<pop3::Verb>(verb)));
  }
}

void ShardMeter::ConnectionRefused(size_t listener, admission::Refusal refusal) {
  shard_.Add(metrics::kConnectionsRejected, ListenerLabel(listener), RejectionLabel(refusal));
}

void ShardMeter::SessionBegan(size_t listener) {
  shard_.Add(metrics::kConnections, ListenerLabel(listener));
  shard_.GaugeAdd(metrics::kSessionsActive, 1, ListenerLabel(listener));
}

void ShardMeter::SessionEnded(size_t listener, const session::Record& record) {
  shard_.GaugeAdd(metrics::kSessionsActive, -1, ListenerLabel(listener));
  shard_.Add(metrics::kSessionsEnded, metrics::SessionEnd{static_cast<uint16_t>(record.reason)});
  shard_.Observe(metrics::kSessionDuration, record.total);
  shard_.Add(metrics::kBytes, record.bytes_from_client, metrics::Side::kDownstream,
             metrics::Direction::kReceived);
  shard_.Add(metrics::kBytes, record.bytes_to_client, metrics::Side::kDownstream,
             metrics::Direction::kSent);
  shard_.Add(metrics::kBytes, record.bytes_from_node, metrics::Side::kUpstream,
             metrics::Direction::kReceived);
  shard_.Add(metrics::kBytes, record.bytes_to_node, metrics::Side::kUpstream,
             metrics::Direction::kSent);
  shard_.Add(metrics::kMessagesRetrieved, record.messages);
  shard_.Add(metrics::kDeletesCommitted, record.deletes);
}

void ShardMeter::HandshakeEnded(session::HandshakeResult result, tls::FailureReason reason,
                                const session::Record& record, io::Duration took) {
  const metrics::Resumed resumed =
      record.tls_resumed ? metrics::Resumed::kYes : metrics::Resumed::kNo;
  shard_.Add(metrics::kTlsHandshakes, TlsLabel(result), VersionLabel(record.tls_version), resumed);
  if (result == session::HandshakeResult::kOk)
    shard_.Observe(metrics::kTlsHandshakeDuration, took, resumed);
  if (result == session::HandshakeResult::kFailed)
    shard_.Add(metrics::kTlsFailures, TlsFailureLabel(reason));
}

void ShardMeter::LoginEnded(size_t listener, session::LoginResult result,
                            const session::Record& record, io::Duration took) {
  shard_.Add(metrics::kLogins, ListenerLabel(listener), LoginLabel(result),
             MechanismLabel(record.mechanism));
  shard_.Observe(metrics::kLoginDuration, took, LoginLabel(result));
  if (result != session::LoginResult::kOk) return;
  // A pooled connection has spared the login the stages that it doesn't show.
  const auto stage = [this](io::Duration stage_took, metrics::LoginStage which) {
    if (stage_took > io::Duration::zero())
      shard_.Observe(metrics::kLoginStageDuration, stage_took, which);
  };
  stage(record.lookup, metrics::LoginStage::kLookup);
  stage(record.connect, metrics::LoginStage::kConnect);
  stage(record.node_tls, metrics::LoginStage::kTls);
  stage(record.greeting, metrics::LoginStage::kGreeting);
  stage(record.authentication, metrics::LoginStage::kAuth);
}

void ShardMeter::LoginDelayed(io::Duration delay) { shard_.Observe(metrics::kLoginDelay, delay); }

void ShardMeter::NodeFailed(balancer::NodeId node, upstream::NodeFailure failure) {
  shard_.Add(metrics::kNodeConnectFailures, NodeLabel(node), FailureLabel(failure));
}

void ShardMeter::FailedOver(balancer::NodeId from) {
  shard_.Add(metrics::kFailovers, NodeLabel(from));
}

void ShardMeter::NodeSessionBegan(balancer::NodeId node) {
  shard_.GaugeAdd(metrics::kNodeSessionsActive, 1, NodeLabel(node));
}

void ShardMeter::NodeSessionEnded(balancer::NodeId node) {
  shard_.GaugeAdd(metrics::kNodeSessionsActive, -1, NodeLabel(node));
}

void ShardMeter::LeaseTaken(balancer::NodeId node, session::LeaseSource source) {
  shard_.Add(metrics::kPoolTakes, NodeLabel(node), SourceLabel(source));
}

void ShardMeter::ParkedFound(balancer::NodeId node, session::ParkedOutcome outcome,
                             io::Duration age) {
  shard_.Add(metrics::kPoolParkedOutcomes, NodeLabel(node), OutcomeLabel(outcome));
  if (outcome == session::ParkedOutcome::kReused) shard_.Observe(metrics::kPoolSnapshotAge, age);
}

void ShardMeter::ParkEnded(balancer::NodeId node, session::ParkResult result) {
  shard_.Add(metrics::kPoolParks, NodeLabel(node), ParkLabel(result));
}

void ShardMeter::QueueLeft(balancer::NodeId, session::QueueResult result, io::Duration waited) {
  shard_.Observe(metrics::kPoolWait, waited, WaitLabel(result));
}

void ShardMeter::LoginRetried(session::RetryReason reason) {
  shard_.Add(metrics::kLoginRetries, RetryLabel(reason));
}

void ShardMeter::ResumeEnded(session::ResumeResult result, io::Duration stalled) {
  shard_.Add(metrics::kResumes, ResumeLabel(result));
  if (result == session::ResumeResult::kResumed) shard_.Observe(metrics::kResumeDuration, stalled);
}

void ShardMeter::NodeLoggedIn(balancer::NodeId node, io::Duration took) {
  shard_.Observe(metrics::kNodeLogin, took, NodeLabel(node));
}

void ShardMeter::DirectoryAnswered(size_t directory, directory::Answer::Kind answer,
                                   io::Duration took) {
  const metrics::Directory label{static_cast<uint16_t>(directory)};
  shard_.Add(metrics::kDirectoryLookups, label, DirectoryLabel(answer));
  shard_.Observe(metrics::kDirectoryLookup, took, label);
}

void ShardMeter::CommandAnswered(pop3::Verb verb, bool ok) {
  shard_.Add(metrics::kCommands, metrics::Command{static_cast<uint16_t>(verb)},
             ok ? metrics::CommandResult::kOk : metrics::CommandResult::kErr);
}

void ShardMeter::CommandAnswered(balancer::NodeId node, pop3::Verb verb, bool ok,
                                 const session::AnswerTimes& took) {
  CommandAnswered(verb, ok);
  const metrics::CommandClass alike = ClassOf(verb);
  shard_.Observe(metrics::kCommandDuration, took.last_byte, alike);
  shard_.Observe(metrics::kCommandFirstByte, took.first_byte, alike);
  shard_.Observe(metrics::kNodeFirstByte, took.first_byte, NodeLabel(node));
}

void ShardMeter::MessageRetrieved(uint64_t bytes, io::Duration took) {
  shard_.Observe(metrics::kMessageDownload, took, SizeLabel(bytes));
}

void ShardMeter::HeldBack(session::Pacing what) {
  shard_.Add(metrics::kPaceWaits, what == session::Pacing::kCommands ? metrics::Paced::kCommands
                                                                     : metrics::Paced::kBytes);
}

}  // namespace poplar::server
