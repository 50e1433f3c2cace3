#pragma once

#include "balancer/node_table.h"
#include "proxy/admission/refusal.h"
#include "proxy/directory/answer.h"
#include "proxy/io/clock.h"
#include "proxy/pop3/command.h"
#include "proxy/session/record.h"
#include "proxy/tls/failure.h"
#include "proxy/upstream/node_failure.h"

namespace poplar::session {

// How a login ended, for the metrics.
enum class LoginResult : uint8_t {
  kOk,
  kRejected,            // the node said no to the credential
  kBackendUnavailable,  // no node could be reached
  kBackendError,  // a node failed after the credential was sent, or said [SYS/...], [IN-USE] or the
                  // like
  kTimeout,
  kAbandoned,             // the client left while it had to wait
  kDirectoryUnavailable,  // nobody could say where the user is
  kThrottled,             // too many of its address waited already: no node was asked
};

// Where a login's connection came from.
enum class LeaseSource : uint8_t { kParked, kWarm, kNew };

// What became of a parked session that its user's next login found.
enum class ParkedOutcome : uint8_t { kReused, kTooOld, kOtherCredential, kDead };

// What became of a session that ended with QUIT.
enum class ParkResult : uint8_t {
  kParked,
  kOff,         // by configuration, or the mechanism doesn't show the credential
  kDeletes,     // pending: the node itself must answer
  kPipelined,   // answers under way, or commands behind the QUIT
  kSysError,    // [SYS/...] seen
  kNodeClosed,  // the node has gone, or spoken unasked
  kTooOld,
  kRefused,  // by the pool (draining, a login waits), or for the session's language or UTF8 mode
};

// How a wait for a slot ended.
enum class QueueResult : uint8_t {
  kGranted,
  kTimeout,
  kClientLeft,
  kEnded,    // Poplar drains or stops
  kNodeOut,  // the node went out of service: the login looks for another
};

// Why a login tries again.
enum class RetryReason : uint8_t {
  kUnreachable,
  kHoldDown,
  kInUse,
  kUserLimit,
  kAnswerLost,  // the node had the password, and died or had trouble
  kElsewhere,   // a session on another replica holds the user on another node
};

// What became of a session whose node was lost after the login.
enum class ResumeResult : uint8_t {
  kResumed,
  kOff,           // by configuration, or the credential can't be shown again (SCRAM)
  kOpaque,        // a command that Poplar doesn't know was asked
  kMode,          // UTF8 or LANG: what they left can't be had again
  kNoView,        // messages were named, but the node has no UIDL that could be used, or too many
  kUnrepeatable,  // a command under way that can't be asked twice
  kDifferent,     // the maildrop, or the answer under way, isn't the one that the client has seen
  kRefused,       // the nodes don't take the credential any more
  kMoved,         // the user has been moved to another cluster
  kDeadline,      // not within resume.deadline
  kEnded,         // Poplar stopped meanwhile
};

constexpr std::string_view Name(ResumeResult result) {
  constexpr std::string_view kNames[] = {"resumed", "off",          "opaque",    "mode",
                                         "no_view", "unrepeatable", "different", "refused",
                                         "moved",   "deadline",     "ended"};
  return kNames[static_cast<size_t>(result)];
}

enum class HandshakeResult : uint8_t { kOk, kFailed, kTimeout };

// From the complete command.
struct AnswerTimes {
  io::Duration first_byte{};
  io::Duration last_byte{};
};

// What a session must not have more of just now.
enum class Pacing : uint8_t { kCommands, kBytes };

// What sessions count. One worker's; plain additions, no lock.
class Meter {
 public:
  virtual ~Meter() = default;
  virtual void ConnectionRefused(size_t listener, admission::Refusal refusal) = 0;
  virtual void SessionBegan(size_t listener) = 0;
  virtual void SessionEnded(size_t listener, const Record& record) = 0;
  // `reason`: of kFailed; kNone: the client left.
  virtual void HandshakeEnded(HandshakeResult result, tls::FailureReason reason,
                              const Record& record, io::Duration took) = 0;
  virtual void LoginEnded(size_t listener, LoginResult result, const Record& record,
                          io::Duration took) = 0;
  // A node has taken credentials: how long its answer to them took.
  virtual void NodeLoggedIn(balancer::NodeId node, io::Duration took) = 0;
  virtual void DirectoryAnswered(size_t directory, directory::Answer::Kind answer,
                                 io::Duration took) = 0;
  virtual void LoginDelayed(io::Duration delay) = 0;
  virtual void NodeFailed(balancer::NodeId node, upstream::NodeFailure failure) = 0;
  virtual void FailedOver(balancer::NodeId from) = 0;
  virtual void NodeSessionBegan(balancer::NodeId node) = 0;
  virtual void NodeSessionEnded(balancer::NodeId node) = 0;
  virtual void LeaseTaken(balancer::NodeId node, LeaseSource source) = 0;
  // `age`: of the session's view of the maildrop.
  virtual void ParkedFound(balancer::NodeId node, ParkedOutcome outcome, io::Duration age) = 0;
  virtual void ParkEnded(balancer::NodeId node, ParkResult result) = 0;
  virtual void QueueLeft(balancer::NodeId node, QueueResult result, io::Duration waited) = 0;
  virtual void LoginRetried(RetryReason reason) = 0;
  // `stalled`: from the loss to the end of the attempt; 0 where none was made.
  virtual void ResumeEnded(ResumeResult result, io::Duration stalled) = 0;
  // By Poplar itself, without the node.
  virtual void CommandAnswered(pop3::Verb verb, bool ok) = 0;
  virtual void CommandAnswered(balancer::NodeId node, pop3::Verb verb, bool ok,
                               const AnswerTimes& took) = 0;
  virtual void MessageRetrieved(uint64_t bytes, io::Duration took) = 0;
  virtual void HeldBack(Pacing what) = 0;
};

}  // namespace poplar::session
