#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The dimensions of the instruments. Each label is a type of its own, so that a call with the wrong
// or a missing label does not compile, and each has a set of values that is fixed at start: never a
// user, an address or anything else that a stranger chooses.
namespace poplar::metrics {

// Values that others own (configuration, proxy/session, proxy/pop3). A label value is its index in
// the list.
struct Dimensions {
  struct NodeName {
    std::string cluster;
    std::string node;  // empty: a seat, on which nodes come and go; see SeatNames
  };
  struct SessionEndName {
    std::string reason;
    std::string side;  // whose doing: client, node or proxy
  };
  struct IoEngineName {
    std::string engine;
    std::string reason;  // why it is this one
  };
  std::vector<std::string> listeners;
  std::vector<std::string> clusters;
  std::vector<NodeName> nodes;
  std::vector<SessionEndName> session_ends;
  std::vector<std::string> commands;
  std::vector<std::string> certificates;
  std::vector<std::string> user_maps;   // their files
  std::vector<std::string> discovered;  // clusters whose nodes are
  std::vector<std::string> moves;
  std::vector<std::string> directories;
  std::vector<IoEngineName> io_engines;    // the one that is used
  std::vector<std::string> shared_states;  // one at most: where it is
};

enum class Listener : uint16_t {};
enum class Cluster : uint16_t {};
enum class Node : uint16_t {};
enum class SessionEnd : uint16_t {};
enum class Command : uint16_t {};
enum class Certificate : uint16_t {};
enum class UserMap : uint16_t {};
enum class Discovered : uint16_t {};
enum class Move : uint16_t {};
enum class Directory : uint16_t {};
enum class IoEngine : uint16_t {};
enum class SharedState : uint16_t {};

// Labels whose values may come and go while all runs: the number of their seats is fixed. An empty
// text in Dimensions is a vacant seat's.
enum class SeatKind : uint8_t { kNode, kCertificate, kUserMap, kMove };

// Values that are the same everywhere. Texts follow in LabelTraits below, in the same order.
enum class Rejection : uint16_t {
  kLimit,   // of all sessions
  kDenied,  // by an access list
  kRate,    // of new connections, all together
  kAddressRate,
  kAddressLimit,
  kNetworkLimit,
  kAddressUnauthenticated,
  kUnauthenticated,
  kDrain
};
enum class TlsResult : uint16_t { kOk, kError, kTimeout };
// Why a handshake failed, where it wasn't for want of time.
enum class TlsFailure : uint16_t {
  kNotTls,
  kUnsupportedVersion,
  kNoSharedCipher,
  kAlpnMismatch,
  kCertificateRejected,
  kVerifyFailed,
  kPeerAlert,
  kProtocol,
  kReset,
  kOther
};
enum class TlsVersion : uint16_t { kNone, kTls12, kTls13 };
enum class Resumed : uint16_t { kNo, kYes };
enum class LoginResult : uint16_t {
  kOk,
  kRejected,            // the node refused the credentials: no fault of the service
  kBackendUnavailable,  // no node could be reached
  kBackendError,        // a node answered, but not as it should
  kTimeout,
  kAbandoned,             // the client left while its login had to wait
  kDirectoryUnavailable,  // nobody could say where the user is
  kThrottled,             // too many of its address waited already: no node was asked
  kInternal
};
// How the client said who it is. kOther: a login that was over before.
enum class Mechanism : uint16_t {
  kUser,
  kPlain,
  kLogin,
  kXoauth2,
  kOauthBearer,
  kExternal,
  kScramSha256,
  kScramSha1,
  kOther
};
enum class DirectoryResult : uint16_t { kFound, kUnknown, kRefused, kNotYet, kUnavailable };
// kKept: by what was answered lately. kStale: likewise, since the directory can't be reached.
// kMerged: by the answer to another login's question of the same user.
enum class DirectoryAnswer : uint16_t { kAsked, kKept, kStale, kMerged };
enum class MessageSize : uint16_t { kTo16KiB, kTo128KiB, kTo1MiB, kTo10MiB, kOver10MiB };
enum class Paced : uint16_t { kCommands, kBytes };
enum class MoveResult : uint16_t { kLanded, kWaitedTooLong };
enum class LoadResult : uint16_t { kOk, kRefused };
enum class LookupResult : uint16_t { kOk, kNotFound, kFailed };
// What a client asked for that sets itself up; kNone: nothing that there is.
enum class AutoconfigForm : uint16_t { kThunderbird, kAutodiscover, kApple, kPacc, kNone };
enum class AutoconfigResult : uint16_t {
  kOk,
  kNotFound,    // no such path, or no address of ours
  kBadRequest,  // it made no sense
  kRefused,     // the client may not connect, or there are too many
  kTimeout,
  kBroken  // the client left, or TLS failed
};
enum class LoginStage : uint16_t { kLookup, kConnect, kTls, kGreeting, kAuth };
enum class Side : uint16_t { kDownstream, kUpstream };
enum class Direction : uint16_t { kReceived, kSent };
enum class CommandResult : uint16_t { kOk, kErr };
// Commands that take alike long: STAT, NOOP, CAPA ...; each that has much to tell; DELE, RSET;
// QUIT.
enum class CommandClass : uint16_t { kStatus, kList, kUidl, kRetr, kTop, kChange, kQuit };
enum class ConnectFailure : uint16_t {
  kRefused,
  kTimeout,
  kUnreachable,
  kReset,
  kTls,
  kGreeting,
  kOther
};
enum class Success : uint16_t { kOk, kError };
// What a slot is taken for. kInUse: a session, or a connection that is being opened or closed.
enum class PoolKind : uint16_t { kInUse, kWarm, kParked };
enum class TakeSource : uint16_t { kParked, kWarm, kNew };
// The one end of each parked session, so that those parked less all of these are those parked now.
enum class ParkedOutcome : uint16_t {
  kReused,
  kExpired,          // nobody came for it in time
  kTooOld,           // its user came, but too late
  kOtherCredential,  // its user came with another password
  kDead,             // the node had closed it, or had sent what nobody asked for
  kEvicted,          // gave way: to a login in the queue, a newer session of the user, the limit
  kDrained           // the node drains, was ejected, or we stop
};
// What became of a session whose client left with QUIT and that might have been parked.
enum class ParkResult : uint16_t {
  kParked,
  kOff,        // the cluster or node parks nobody
  kDeletes,    // DELE pending: only the node may answer that QUIT
  kPipelined,  // a response was outstanding, or bytes followed the QUIT
  kSysError,   // the node reported [SYS/...] in this session
  kTooOld,
  kNodeClosed,
  kRefused  // by the pool: a login waits for the slot, or the node drains
};
enum class WaitResult : uint16_t { kGranted, kTimeout, kClientLeft, kDrained, kNodeOut };
enum class NodeState : uint16_t { kUp, kDown, kEjected };
enum class AdminState : uint16_t { kUp, kDrain, kDown };
enum class TransitionCause : uint16_t {
  kProbesFailed,
  kProbesSucceeded,
  kConsecutiveFailures,
  kFailureRatio,
  kEjectionEnded,
  kDiscovered,
  kGone,
  kAgreed,
  kAdmin
};
enum class RetryReason : uint16_t {
  kInUse,        // the node answered [IN-USE]
  kUnreachable,  // no connection, TLS or greeting, before credentials were sent
  kHoldDown,     // the user's node is out, but not for long enough to move
  kUserLimit,    // the user has as many sessions as allowed
  kAnswerLost,   // the node had the password, and died or had trouble
  kElsewhere     // a session on another replica holds the user on another node
};
// Of what is asked of the state that replicas share.
enum class RequestResult : uint16_t {
  kOk,
  kError,    // it refused, or the connection broke
  kTimeout,  // whoever asked went on by itself
  kSkipped   // it was known to be away: nobody waited
};
enum class ClaimResult : uint16_t {
  kGranted,
  kElsewhere,  // another replica has the user on another node
  kAlone,      // nobody could be asked
  kLost        // made while alone, and another replica's stands: sessions ended
};
// What became of a session whose node was lost after its login.
enum class ResumeResult : uint16_t {
  kResumed,
  kOff,     // by configuration, or the nodes don't share their storage
  kOpaque,  // a command was asked that we don't know
  kMode,    // UTF8 or LANG left something that can't be had again
  kNoView,  // the node has no UIDL that says which message is which, or too many messages
  kUnrepeatable,
  kDifferent,  // the maildrop, or the answer under way, is not the one that the client has seen
  kRefused,    // the nodes refuse the credentials now
  kMoved,      // the user has been moved to another cluster
  kDeadline,   // not within resume.deadline
  kEnded       // we stop
};

// The name-value pairs that one value of a label puts on a series: mostly one, two for a node.
using LabelPairs = std::vector<std::pair<std::string_view, std::string>>;

template <typename Label>
struct LabelTraits;

#define POPLAR_FIXED_LABEL(Type, name, ...)                                         \
  template <>                                                                       \
  struct LabelTraits<Type> {                                                        \
    static constexpr std::string_view kName = name;                                 \
    static constexpr auto kValues = std::to_array<std::string_view>({__VA_ARGS__}); \
  }
POPLAR_FIXED_LABEL(Rejection, "reason", "limit", "denied", "rate", "address_rate", "address_limit",
                   "network_limit", "address_unauthenticated", "unauthenticated", "drain");
POPLAR_FIXED_LABEL(TlsResult, "result", "ok", "error", "timeout");
POPLAR_FIXED_LABEL(TlsFailure, "reason", "not_tls", "unsupported_version", "no_shared_cipher",
                   "alpn_mismatch", "certificate_rejected", "verify_failed", "peer_alert",
                   "protocol", "reset", "other");
POPLAR_FIXED_LABEL(Mechanism, "mechanism", "USER", "PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER",
                   "EXTERNAL", "SCRAM-SHA-256", "SCRAM-SHA-1", "other");
POPLAR_FIXED_LABEL(DirectoryResult, "result", "found", "unknown", "refused", "not_yet",
                   "unavailable");
POPLAR_FIXED_LABEL(DirectoryAnswer, "source", "asked", "kept", "stale", "merged");
POPLAR_FIXED_LABEL(MessageSize, "size", "to_16KiB", "to_128KiB", "to_1MiB", "to_10MiB",
                   "over_10MiB");
POPLAR_FIXED_LABEL(Paced, "what", "commands", "bytes");
POPLAR_FIXED_LABEL(TlsVersion, "version", "none", "1.2", "1.3");
POPLAR_FIXED_LABEL(Resumed, "resumed", "no", "yes");
POPLAR_FIXED_LABEL(LoginResult, "result", "ok", "rejected", "backend_unavailable", "backend_error",
                   "timeout", "abandoned", "directory_unavailable", "throttled", "internal");
POPLAR_FIXED_LABEL(LoadResult, "result", "ok", "refused");
POPLAR_FIXED_LABEL(LookupResult, "result", "ok", "not_found", "failed");
POPLAR_FIXED_LABEL(MoveResult, "result", "landed", "waited_too_long");
POPLAR_FIXED_LABEL(AutoconfigForm, "form", "thunderbird", "autodiscover", "apple", "pacc", "none");
POPLAR_FIXED_LABEL(AutoconfigResult, "result", "ok", "not_found", "bad_request", "refused",
                   "timeout", "broken");
POPLAR_FIXED_LABEL(LoginStage, "stage", "lookup", "connect", "tls", "greeting", "auth");
POPLAR_FIXED_LABEL(Side, "side", "downstream", "upstream");
POPLAR_FIXED_LABEL(Direction, "direction", "received", "sent");
POPLAR_FIXED_LABEL(CommandResult, "result", "ok", "err");
POPLAR_FIXED_LABEL(CommandClass, "class", "status", "list", "uidl", "retr", "top", "change",
                   "quit");
POPLAR_FIXED_LABEL(ConnectFailure, "reason", "refused", "timeout", "unreachable", "reset", "tls",
                   "greeting", "other");
POPLAR_FIXED_LABEL(Success, "result", "ok", "error");
POPLAR_FIXED_LABEL(PoolKind, "kind", "in_use", "warm", "parked");
POPLAR_FIXED_LABEL(TakeSource, "source", "parked", "warm", "new");
POPLAR_FIXED_LABEL(ParkedOutcome, "outcome", "reused", "expired", "too_old", "other_credential",
                   "dead", "evicted", "drained");
POPLAR_FIXED_LABEL(ParkResult, "result", "parked", "off", "deletes", "pipelined", "sys_error",
                   "too_old", "node_closed", "refused");
POPLAR_FIXED_LABEL(WaitResult, "result", "granted", "timeout", "client_left", "drained",
                   "node_out");
POPLAR_FIXED_LABEL(NodeState, "state", "up", "down", "ejected");
POPLAR_FIXED_LABEL(AdminState, "state", "up", "drain", "down");
POPLAR_FIXED_LABEL(TransitionCause, "cause", "probes_failed", "probes_succeeded",
                   "consecutive_failures", "failure_ratio", "ejection_ended", "discovered", "gone",
                   "agreed", "admin");
POPLAR_FIXED_LABEL(RetryReason, "reason", "in_use", "unreachable", "hold_down", "user_limit",
                   "answer_lost", "elsewhere");
POPLAR_FIXED_LABEL(RequestResult, "result", "ok", "error", "timeout", "skipped");
POPLAR_FIXED_LABEL(ClaimResult, "result", "granted", "elsewhere", "alone", "lost");
POPLAR_FIXED_LABEL(ResumeResult, "result", "resumed", "off", "opaque", "mode", "no_view",
                   "unrepeatable", "different", "refused", "moved", "deadline", "ended");
#undef POPLAR_FIXED_LABEL

template <typename Label>
constexpr std::string_view TextOf(Label value) {
  return LabelTraits<Label>::kValues[static_cast<size_t>(value)];
}

// All values of a label, by index.
template <typename Label>
std::vector<LabelPairs> ValuesOf(const Dimensions&) {
  std::vector<LabelPairs> values;
  values.reserve(LabelTraits<Label>::kValues.size());
  for (std::string_view value : LabelTraits<Label>::kValues) {
    values.push_back({{LabelTraits<Label>::kName, std::string(value)}});
  }
  return values;
}
template <>
std::vector<LabelPairs> ValuesOf<Listener>(const Dimensions& dimensions);
template <>
std::vector<LabelPairs> ValuesOf<Cluster>(const Dimensions& dimensions);
template <>
std::vector<LabelPairs> ValuesOf<Node>(const Dimensions& dimensions);
template <>
std::vector<LabelPairs> ValuesOf<SessionEnd>(const Dimensions& dimensions);
template <>
std::vector<LabelPairs> ValuesOf<Command>(const Dimensions& dimensions);
template <>
std::vector<LabelPairs> ValuesOf<Certificate>(const Dimensions& dimensions);
template <>
std::vector<LabelPairs> ValuesOf<UserMap>(const Dimensions& dimensions);
template <>
std::vector<LabelPairs> ValuesOf<Discovered>(const Dimensions& dimensions);
template <>
std::vector<LabelPairs> ValuesOf<Move>(const Dimensions& dimensions);
template <>
std::vector<LabelPairs> ValuesOf<Directory>(const Dimensions& dimensions);
template <>
std::vector<LabelPairs> ValuesOf<IoEngine>(const Dimensions& dimensions);
template <>
std::vector<LabelPairs> ValuesOf<SharedState>(const Dimensions& dimensions);

}  // namespace poplar::metrics
