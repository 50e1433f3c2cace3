#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "metrics/labels.h"

// Every instrument, declared once: name, help, labels. A new one is a new row and nothing else.
namespace poplar::metrics {

// Upper bounds of histogram buckets in nanoseconds. A threshold of an objective must be a bound.
namespace buckets {
inline constexpr uint64_t kMicro = 1'000, kMilli = 1'000'000, kSecond = 1'000'000'000;
inline constexpr std::array<uint64_t, 15> kRequest = {
    500 * kMicro, 1 * kMilli,    2500 * kMicro, 5 * kMilli,   10 * kMilli,
    25 * kMilli,  50 * kMilli,   100 * kMilli,  250 * kMilli, 500 * kMilli,
    1 * kSecond,  2500 * kMilli, 5 * kSecond,   10 * kSecond, 30 * kSecond};
inline constexpr std::array<uint64_t, 12> kHandshake = {
    500 * kMicro, 1 * kMilli,   2500 * kMicro, 5 * kMilli,   10 * kMilli, 25 * kMilli,
    50 * kMilli,  100 * kMilli, 250 * kMilli,  500 * kMilli, 1 * kSecond, 2500 * kMilli};
inline constexpr std::array<uint64_t, 9> kSession = {100 * kMilli,  500 * kMilli,  1 * kSecond,
                                                     5 * kSecond,   15 * kSecond,  60 * kSecond,
                                                     300 * kSecond, 900 * kSecond, 3600 * kSecond};
// What is told of each node: few, since there may be a hundred nodes.
inline constexpr std::array<uint64_t, 5> kNode = {10 * kMilli, 50 * kMilli, 250 * kMilli,
                                                  1 * kSecond, 5 * kSecond};
inline constexpr std::array<uint64_t, 9> kTurn = {100 * kMicro, 1 * kMilli,   5 * kMilli,
                                                  10 * kMilli,  25 * kMilli,  50 * kMilli,
                                                  100 * kMilli, 250 * kMilli, 1 * kSecond};
inline constexpr std::array<uint64_t, 12> kDownload = {
    5 * kMilli,  10 * kMilli,   25 * kMilli, 50 * kMilli,  100 * kMilli, 250 * kMilli,
    1 * kSecond, 2500 * kMilli, 5 * kSecond, 15 * kSecond, 60 * kSecond, 300 * kSecond};
// 15 s is the default of pool.wait_timeout and resume.deadline.
inline constexpr std::array<uint64_t, 13> kQueue = {
    1 * kMilli,   5 * kMilli,  10 * kMilli,   25 * kMilli, 50 * kMilli,  100 * kMilli, 250 * kMilli,
    500 * kMilli, 1 * kSecond, 2500 * kMilli, 5 * kSecond, 15 * kSecond, 30 * kSecond};
// 5 s is the default of pool.max_snapshot_age, 60 s the most it can be.
inline constexpr std::array<uint64_t, 10> kSnapshotAge = {
    100 * kMilli, 250 * kMilli, 500 * kMilli, 1 * kSecond,  2 * kSecond,
    3 * kSecond,  5 * kSecond,  10 * kSecond, 30 * kSecond, 60 * kSecond};
}  // namespace buckets

// clang-format off
// X(identifier, name, help, label types...)
#define POPLAR_COUNTERS(X) \
  X(kConnections, "poplar_connections_total", \
    "Client connections accepted.", Listener) \
  X(kConnectionsRejected, "poplar_connections_rejected_total", \
    "Client connections closed at once instead of served, by reason.", Listener, Rejection) \
  X(kSessionsEnded, "poplar_sessions_ended_total", \
    "Client sessions ended, by reason and by the side that caused the end.", SessionEnd) \
  X(kTlsHandshakes, "poplar_tls_handshakes_total", \
    "TLS handshakes with clients, by outcome.", TlsResult, TlsVersion, Resumed) \
  X(kTlsFailures, "poplar_tls_handshake_failures_total", \
    "TLS handshakes with clients that failed, by reason; those that took too long are not in it.", \
    TlsFailure) \
  X(kLogins, "poplar_logins_total", \
    "Login attempts with complete credentials, by result.", Listener, LoginResult, Mechanism) \
  X(kBytes, "poplar_bytes_total", \
    "Bytes of POP3 received and sent, inside TLS, on the client (downstream) and node (upstream) " \
    "side.", Side, Direction) \
  X(kMessagesRetrieved, "poplar_messages_retrieved_total", \
    "Messages sent to clients completely in answer to RETR.") \
  X(kDeletesCommitted, "poplar_deletes_committed_total", \
    "Messages deleted by a QUIT that the node confirmed.") \
  X(kCommands, "poplar_commands_total", \
    "Commands of clients answered, by command and status of the answer.", Command, CommandResult) \
  X(kPaceWaits, "poplar_pace_waits_total", \
    "Times a session was held back, because it had sent its commands or got its bytes for now.", \
    Paced) \
  X(kDirectoryLookups, "poplar_directory_lookups_total", \
    "Logins that asked a directory for the user's place, by result.", Directory, \
    DirectoryResult) \
  X(kDirectoryAnswers, "poplar_directory_answers_total", \
    "The same, by where the answer came from.", Directory, DirectoryAnswer) \
  X(kNodeConnectFailures, "poplar_node_connect_failures_total", \
    "Connections to a node that failed before credentials were sent, by reason.", \
    Node, ConnectFailure) \
  X(kFailovers, "poplar_failovers_total", \
    "Logins that moved on to another node because this one failed before credentials were sent.", \
    Node) \
  X(kLoginRetries, "poplar_login_retries_total", \
    "Times a login tried again, or waited to try again, within its deadline, by reason.", \
    RetryReason) \
  X(kResumes, "poplar_resumes_total", \
    "Sessions that lost their node after the login: resumed, or why not.", ResumeResult) \
  X(kPoolTakes, "poplar_pool_takes_total", \
    "Connections to a node that logins got, by where they came from.", Node, TakeSource) \
  X(kPoolParks, "poplar_pool_parks_total", \
    "Sessions that clients ended with QUIT: parked, or the first reason why not.", \
    Node, ParkResult) \
  X(kPoolParkedOutcomes, "poplar_pool_parked_outcomes_total", \
    "Parked sessions that are parked no more, by what became of them.", Node, ParkedOutcome) \
  X(kPoolWarmOpened, "poplar_pool_warm_opened_total", \
    "Attempts to open a warm connection (greeted, not logged in).", Node, Success) \
  X(kNodeProbes, "poplar_node_probes_total", \
    "Probes of a node, by result.", Node, Success) \
  X(kNodeTransitions, "poplar_node_transitions_total", \
    "Changes of a node's state or administrative state, by cause.", Node, TransitionCause) \
  X(kUserMapLoads, "poplar_user_map_loads_total", \
    "Times a user map was read. A refused one leaves the one before in force.", UserMap, \
    LoadResult) \
  X(kConfigReloads, "poplar_config_reloads_total", \
    "Reloads of the configuration, or of files that it names. A refused one leaves all as it was.", \
    LoadResult) \
  X(kDiscoveryLookups, "poplar_discovery_lookups_total", \
    "Times a cluster's nodes were asked for, by result. Only ok can change anything.", \
    Discovered, LookupResult) \
  X(kMoveLogins, "poplar_move_logins_total", \
    "Logins of a move's users: landed in the new cluster, or waited too long for the user's other " \
    "sessions to end.", Move, MoveResult) \
  X(kMoveSessionsEnded, "poplar_move_sessions_ended_total", \
    "Sessions that had to end because their user was moved.", Move) \
  X(kAutoconfigRequests, "poplar_autoconfig_requests_total", \
    "Connections of mail clients that ask for their settings over HTTP, by what they asked for " \
    "and by result.", AutoconfigForm, AutoconfigResult) \
  X(kSharedStateRequests, "poplar_shared_state_requests_total", \
    "Requests to the state that replicas share, by result.", SharedState, RequestResult) \
  X(kSharedStateClaims, "poplar_shared_state_claims_total", \
    "Claims of a user for a node, ahead of a user's first session on this replica, by result; " \
    "lost: made alone, against another replica's that stands, so that sessions had to end.", \
    SharedState, ClaimResult) \
  X(kBufferWaits, "poplar_buffer_waits_total", \
    "Times a receive had to wait because all I/O buffers were in use.") \
  X(kUringCqOverflows, "poplar_uring_cq_overflows_total", \
    "Times the completion queue of a worker's ring overflowed.") \
  X(kTraceLinesDropped, "poplar_trace_lines_dropped_total", \
    "Lines of traces that were not written, because too many were waiting.") \
  X(kAcceptErrors, "poplar_accept_errors_total", \
    "Failed accepts, such as for lack of file descriptors.")

#define POPLAR_GAUGES(X) \
  X(kSessionsActive, "poplar_sessions_active", \
    "Client sessions alive.", Listener) \
  X(kNodeSessionsActive, "poplar_node_sessions_active", \
    "Sessions connected to a node.", Node) \
  X(kPoolConnections, "poplar_pool_connections", \
    "Slots of a node that are taken: in_use by sessions and by connections being opened or " \
    "closed, warm by connections not logged in, parked by sessions kept for their user.", \
    Node, PoolKind) \
  X(kPoolSlots, "poplar_pool_slots", \
    "Most connections to a node at once; 0 is unbounded.", Node) \
  X(kPoolWaiting, "poplar_pool_waiting", \
    "Logins in the queue for a slot of a node.", Node) \
  X(kNodeState, "poplar_node_state", \
    "1 for the state that a node is known to be in, 0 for the others.", Node, NodeState) \
  X(kNodeAdminState, "poplar_node_admin_state", \
    "1 for the state that the operator wants a node to be in, 0 for the others.", \
    Node, AdminState) \
  X(kNodeInService, "poplar_node_in_service", \
    "1 while a node takes new users, else 0.", Node) \
  X(kClusterPanic, "poplar_cluster_panic", \
    "1 while so much of a cluster is out that health is not believed, else 0.", Cluster) \
  X(kConfigLastReloadOk, "poplar_config_last_reload_success", \
    "1 if the last reload was applied, or there was none yet; 0 if it was refused.") \
  X(kConfigLastReload, "poplar_config_last_reload_success_timestamp_seconds", \
    "When the configuration in force was applied, in Unix time.") \
  X(kCertificateNotAfter, "poplar_certificate_not_after_timestamp_seconds", \
    "When the certificate expires, in Unix time.", Certificate) \
  X(kUserMapUsers, "poplar_user_map_users", \
    "Users in a user map, as it is in force.", UserMap) \
  X(kDiscoveryNodes, "poplar_discovery_nodes", \
    "Nodes of a cluster that are known by discovery.", Discovered) \
  X(kDiscoveryLeaving, "poplar_discovery_nodes_leaving", \
    "Nodes that are no longer known, but still have sessions.", Discovered) \
  X(kDiscoveryUnseated, "poplar_discovery_nodes_unseated", \
    "Nodes beyond discovery.max_nodes, which get no users.", Discovered) \
  X(kDiscoveryLastAnswer, "poplar_discovery_last_answer_timestamp_seconds", \
    "When the last good answer came, in Unix time; 0: there was none yet.", Discovered) \
  X(kMovePermille, "poplar_move_permille", \
    "How many in a thousand of a move's users are in the new cluster now.", Move) \
  X(kMoveLoginsWaiting, "poplar_move_logins_waiting", \
    "Logins that wait for sessions of their user where the user no longer is.", Move) \
  X(kMoveSessionsEnding, "poplar_move_sessions_ending", \
    "Sessions whose user has been moved, and that have not come to their end yet.", Move) \
  X(kSharedStateUp, "poplar_shared_state_up", \
    "1 while the state that replicas share can be asked, 0 while this replica goes on alone.", \
    SharedState) \
  X(kSharedStateReplicas, "poplar_shared_state_replicas", \
    "Replicas that serve and share their state, this one included, as last heard.", SharedState) \
  X(kTraces, "poplar_traces", \
    "Traces that are on.") \
  X(kIoEngineInfo, "poplar_io_engine_info", \
    "Always 1; the labels say how sockets are served, and why so.", IoEngine) \
  X(kBuffersInUse, "poplar_buffers_in_use", \
    "I/O buffers in use.") \
  X(kWorkers, "poplar_workers", \
    "Worker threads, each with a loop of its own.")

// X(identifier, bucket bounds, name, help, label types...)
#define POPLAR_HISTOGRAMS(X) \
  X(kTlsHandshakeDuration, kHandshake, "poplar_tls_handshake_duration_seconds", \
    "Time from accept to the end of a successful TLS handshake.", Resumed) \
  X(kLoginDuration, kRequest, "poplar_login_duration_seconds", \
    "Time from complete credentials to the answer to the client, by result.", LoginResult) \
  X(kLoginStageDuration, kRequest, "poplar_login_stage_duration_seconds", \
    "Time of one stage of a login.", LoginStage) \
  X(kSessionDuration, kSession, "poplar_session_duration_seconds", \
    "Time from accept to close of a client session.") \
  X(kCommandDuration, kRequest, "poplar_command_duration_seconds", \
    "Time from a complete command to the last byte of its answer.", CommandClass) \
  X(kCommandFirstByte, kRequest, "poplar_command_first_byte_seconds", \
    "Time from a complete command to the node's first byte of its answer.", CommandClass) \
  X(kMessageDownload, kDownload, "poplar_message_download_seconds", \
    "Time from RETR to the last byte of a message, by its size.", MessageSize) \
  X(kNodeLogin, kNode, "poplar_node_login_seconds", \
    "Time of a node's answer to good credentials.", Node) \
  X(kNodeFirstByte, kNode, "poplar_node_first_byte_seconds", \
    "Time from a command to a node's first byte of its answer.", Node) \
  X(kDirectoryLookup, kRequest, "poplar_directory_lookup_seconds", \
    "Time that a login took to be told its user's place by a directory.", Directory) \
  X(kWorkerTurn, kTurn, "poplar_worker_turn_seconds", \
    "Time that a worker's loop took from waking until it waited again. Whatever became ready " \
    "meanwhile had to wait for it; the sum is the time that workers were busy.") \
  X(kLoginDelay, kQueue, "poplar_login_delay_seconds", \
    "Time that logins had to wait for wrong passwords that their address had sent before.") \
  X(kPoolWait, kQueue, "poplar_pool_wait_seconds", \
    "Time in the queue for a slot, by how it ended; logins served at once are not in it.", \
    WaitResult) \
  X(kPoolSnapshotAge, kSnapshotAge, "poplar_pool_snapshot_age_seconds", \
    "Age of the maildrop's view, counted from the node's login, when a parked session is reused.") \
  X(kPoolWarmOpen, kRequest, "poplar_pool_warm_open_seconds", \
    "Time to open a warm connection to any node: connect, TLS and greeting, by result. Logins don't " \
    "wait for it.", Success) \
  X(kResumeDuration, kQueue, "poplar_resume_seconds", \
    "Time from the loss of a session's node until the session went on; those not resumed are " \
    "not in it.") \
  X(kNodeProbeDuration, kRequest, "poplar_node_probe_duration_seconds", \
    "Time of a whole probe of any node, by result.", Success)
// clang-format on

enum class Instrument : uint16_t {
#define X(identifier, ...) identifier,
  POPLAR_COUNTERS(X) POPLAR_GAUGES(X)
#undef X
#define X(identifier, ...) identifier,
      POPLAR_HISTOGRAMS(X)
#undef X
          kEnd
};

inline constexpr size_t kInstruments = static_cast<size_t>(Instrument::kEnd);

// What call sites name, as in shard.Add(metrics::kLogins, LoginResult::kOk).
template <typename... Labels>
struct CounterHandle {
  Instrument instrument;
};
template <typename... Labels>
struct GaugeHandle {
  Instrument instrument;
};
template <typename... Labels>
struct HistogramHandle {
  Instrument instrument;
};

#define X(identifier, name, help, ...) \
  inline constexpr CounterHandle<__VA_ARGS__> identifier{Instrument::identifier};
POPLAR_COUNTERS(X)
#undef X
#define X(identifier, name, help, ...) \
  inline constexpr GaugeHandle<__VA_ARGS__> identifier{Instrument::identifier};
POPLAR_GAUGES(X)
#undef X
#define X(identifier, bounds, name, help, ...) \
  inline constexpr HistogramHandle<__VA_ARGS__> identifier{Instrument::identifier};
POPLAR_HISTOGRAMS(X)
#undef X

enum class InstrumentType { kCounter, kGauge, kHistogram };

inline constexpr size_t kMaxLabels = 3;

// A row of the table at run time; Specs()[instrument].
using LabelValues = std::vector<LabelPairs> (*)(const Dimensions&);

struct InstrumentSpec {
  InstrumentType type;
  const char* name;
  const char* help;
  std::array<LabelValues, kMaxLabels> labels;  // then null
  std::span<const uint64_t> bounds;            // of a histogram's buckets, nanoseconds
};

std::span<const InstrumentSpec, kInstruments> Specs();

}  // namespace poplar::metrics
