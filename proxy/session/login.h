#pragma once

#include <absl/container/inlined_vector.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "balancer/affinity.h"
#include "balancer/cluster_health.h"
#include "balancer/moves.h"
#include "proxy/admission/admission.h"
#include "proxy/admission/seniority.h"
#include "proxy/io/proactor.h"
#include "proxy/io/task_scope.h"
#include "proxy/pop3/credential.h"
#include "proxy/session/lookups.h"
#include "proxy/session/meter.h"
#include "proxy/session/patience.h"
#include "proxy/session/record.h"
#include "proxy/session/settings.h"
#include "proxy/session/successor.h"
#include "proxy/session/tracing.h"
#include "proxy/shared_state/claims.h"
#include "proxy/tls/client_certificate.h"
#include "proxy/tls/keyed_digest.h"
#include "proxy/tls/sealer.h"
#include "proxy/upstream/challenger.h"
#include "proxy/upstream/client_origin.h"
#include "proxy/upstream/connection.h"
#include "proxy/upstream/observer.h"

namespace poplar::session {

class SlotWait;

// What a worker lends to its sessions. All of it outlives them.
struct Environment {
  io::Proactor& proactor;
  io::TaskScope& scope;  // for connections that are being given up
  balancer::Affinity& affinity;
  const tls::KeyedDigest& digest;
  const tls::Sealer& sealer;
  uint64_t listing_key;  // of pop3::UidlReader; random, one for the process
  SessionLog& log;
  Meter& meter;
  upstream::Observer& observer;
  admission::Admission& admission;
  admission::Seniority& newcomers;  // of this worker
  Lookups* lookups = nullptr;       // null: no rule refers to a map or directory
  // Changes on the worker's own thread alone; null: the nodes are the same for ever.
  const std::shared_ptr<const Settings>* newest = nullptr;
  // Likewise; null: nothing is ever traced.
  const std::shared_ptr<const trace::Rules>* traces = nullptr;
  Successor* successor = nullptr;          // null: no other process ever takes over
  shared_state::Claims* claims = nullptr;  // null: this Poplar is alone, or shares nothing
};

// What a login that begins now goes by, and keeps until it is done, which is bounded: until then no
// seat of a node that was in it is given to another.
inline std::shared_ptr<const Settings> Newest(const Environment& environment,
                                              const std::shared_ptr<const Settings>& own) {
  return environment.newest == nullptr ? own : *environment.newest;
}

// How a client came here: what rules may ask besides its name.
struct Arrival {
  const ListenerSettings& listener;
  std::string_view server_name;                         // SNI; empty: none
  const tls::ClientCertificate* certificate = nullptr;  // null: none was shown
  int attempt = 1;                                      // which of its connection's logins this is
};

// A session's place at a node, from the login to the session's end.
struct NodeSession {
  balancer::Affinity::Lease lease;  // goes last
  std::unique_ptr<upstream::Connection> connection;
  balancer::CredentialDigest digest;
  io::Time logged_in{};  // the node's answer; older than the session when a parked one was taken
  // Its user can be recognised by the digest, and the session is in no mode of its own.
  bool parkable = false;
};

// One login, from complete credentials to the node's answer: find out where the user is, choose the
// node, lease a connection, authenticate; again where DESIGN sections 4 and 5 allow it, within one
// deadline. Read Run first.
class Login {
 public:
  enum class Outcome : uint8_t {
    kLoggedIn,     // session() is there; say answer()
    kRefused,      // by the node, for the credential's sake; say answer()
    kUnavailable,  // for no fault of the client's; say answer()
    kClientLeft,   // or gave no answer to what its node asked
  };

  struct Request {
    // Whose place rules may say otherwise; of a session that is resumed, where it was.
    Whereabouts where;
    const balancer::CanonicalUser& user;
    const pop3::Credential& credential;
    io::Time deadline;
    bool resumes = false;  // a session that was logged in already, and was promised to go on
    const upstream::ClientOrigin* origin = nullptr;  // null: nodes are told of no client
    // null: the client can't be asked anything more.
    upstream::Challenger* challenger = nullptr;
    const Arrival* arrival = nullptr;  // null: no rule is asked
    // Of a session that is resumed, if a move means its user.
    std::optional<balancer::Moves::Turn> turn = {};
    Tracing* tracing = nullptr;  // null: there are no traces
  };

  // All outlive it. Fills in the record's part on the login.
  Login(Environment& environment, const Settings& settings, const Request& request,
        Patience& patience, Record& record);
  ~Login();

  io::Task<Outcome> Run();

  std::string_view answer() const { return answer_; }
  LoginResult result() const { return result_; }
  // How long of it was for earlier wrong passwords, and no doing of any node's.
  io::Duration sat_out() const { return sat_out_; }
  NodeSession& session() { return session_; }
  balancer::NodeId node_id() const { return node_; }
  const Whereabouts& where() const { return where_; }
  // If a move means the user.
  const std::optional<balancer::Moves::Turn>& turn() const { return turn_; }
  // Its user has been moved meanwhile: the session can't go on.
  bool moved_away() const { return moved_away_; }
  // As the node was told it: not always as the client typed it.
  const pop3::Credential& credential() const {
    return rewritten_ ? *rewritten_ : request_.credential;
  }
  // Too many logins of the client's address wait for what its wrong passwords have cost: the
  // connection is to end.
  bool throttled() const { return result_ == LoginResult::kThrottled; }

  // Health has changed its mind on the node. One that is out is not waited for, if there may be
  // another answer elsewhere.
  void LookAtNode(balancer::NodeId node);
  // Ends waits, but not an exchange with a node.
  void Drain() { patience_.End(); }
  // Makes Run return soon.
  void Abort();

 private:
  // What a step says of the next.
  enum class Step : uint8_t {
    kGoOn,
    kAgain,         // from the choice of the node
    kAskSuccessor,  // another process decides where users are
    kRetryInUse,    // somebody has the maildrop: again in a moment, or answer()
    kRetryLost,     // the node had the password, and was lost or had trouble: likewise
    kEnd,
  };

  void Recognise();
  io::Task<Step> SitOutPenalty();
  void CountForPenalty(bool accepted);
  POPLAR_OWN_FRAME io::Task<Step> Locate();
  directory::Question QuestionOf(const Arrival& arrival) const;
  Step Settle(const directory::Found& found);
  Step GoTo(balancer::ClusterId cluster);
  bool PutFirst(balancer::NodeId node);
  POPLAR_OWN_FRAME io::Task<Step> Enter();
  bool MayEnter();
  Step TooManyElsewhere();
  bool InPlace() const;
  Step Refused(std::string_view why);
  POPLAR_OWN_FRAME io::Task<std::optional<Step>> AskDirectory(size_t index, const Arrival& arrival);
  io::Task<Step> RefusedByDirectory(const directory::Answer& answer);
  io::Task<Step> WaitUntil(io::Time until);
  POPLAR_OWN_FRAME io::Task<Step> ChooseNode();
  bool Follow(const balancer::Choice& choice);
  bool FollowElsewhere();
  io::Task<Step> AwaitElsewhere(io::Duration pause);
  bool NodeTakesUs() const;
  POPLAR_OWN_FRAME io::Task<Step> TakeParked();
  POPLAR_OWN_FRAME io::Task<Step> TakeConnection();
  POPLAR_OWN_FRAME io::Task<Step> WaitInQueue(SlotWait& place);
  POPLAR_OWN_FRAME io::Task<Step> Open(balancer::Slot slot);
  Step Bind();
  POPLAR_OWN_FRAME io::Task<Step> AskSuccessor();
  bool AwaitsClaims() const;
  POPLAR_OWN_FRAME io::Task<Step> Claim();
  POPLAR_OWN_FRAME io::Task<Step> LetGo(const shared_state::ClaimAnswer& answer);
  bool Counts();
  Step OnOneTooMany();
  Step TooManySessions();
  POPLAR_OWN_FRAME io::Task<Step> Authenticate();
  io::Task<upstream::NodeError> LearnCapabilities();
  io::Task<Step> OnFailure(upstream::NodeError error);
  Step OnAnswer(upstream::LoginAnswer answer);
  Step LoggedIn(std::string line);
  Step OnRefusal(std::string line);
  Step OnMismatch(std::string_view why, std::string_view answer);

  io::Task<Step> AfterUnreachable(upstream::NodeError error, balancer::Evidence evidence);
  io::Task<Step> RetryInUse();
  io::Task<Step> RetryLost();
  io::Task<Step> Pause(io::Time until, RetryReason reason);
  Step OnWake(Patience::Wake wake);
  Step TooLate();
  Step Unavailable(LoginResult result, std::string_view failure);

  void TellHealth(balancer::Evidence evidence, std::string_view detail);
  std::unique_ptr<upstream::Connection> Attached(
      std::unique_ptr<balancer::PooledConnection> pooled);
  void Leased(LeaseSource source);
  void TraceNode();
  void GiveUpConnection(bool politely);
  void NoteStages();
  upstream::Cluster& cluster() const { return *cluster_; }
  // Whether the digest tells this credential from a stranger's.
  bool has_secret() const { return !request_.credential.identity.secret.Expose().empty(); }
  upstream::Node& node() const;
  balancer::Moment Moment() const;
  io::Time Now() const { return environment_.proactor.Now(); }

  Environment& environment_;
  const Settings& settings_;
  const Request request_;
  Patience& patience_;
  Record& record_;

  Whereabouts said_;  // by all rules but the moves
  Whereabouts where_;
  std::optional<balancer::Moves::Turn> turn_;
  std::optional<io::Time> enters_until_;      // once it waits for sessions elsewhere
  balancer::NodePool* drawn_from_ = nullptr;  // the last one
  upstream::Cluster* cluster_ = nullptr;      // once the user is located, as the next
  balancer::Candidates order_;
  std::optional<pop3::Credential> rewritten_;  // nothing: the client's own serves
  const uint64_t user_hash_;
  balancer::NodeId node_{};
  absl::InlinedVector<balancer::NodeId, 4> tried_;  // and found unreachable
  NodeSession session_;
  LeaseSource source_ = LeaseSource::kNew;
  io::Timer deadline_;
  io::Timer sick_;                             // until a node that is out is given up
  bool held_down_ = false;                     // it has waited for a node that is out
  bool misplaced_ = false;                     // node_ isn't where health wants the user
  std::optional<balancer::NodeId> elsewhere_;  // where another replica's session holds the user
  uint32_t sessions_elsewhere_ = 0;            // that count, on other replicas
  bool moved_away_ = false;
  bool late_ = false;
  bool aborted_ = false;
  int failures_ = 0;
  io::Duration sat_out_{};
  int in_use_tries_ = 0;
  int successor_asked_ = 0;  // since the lease was taken
  int lost_tries_ = 0;
  RetryReason retry_reason_ = RetryReason::kInUse;
  std::string answer_;
  LoginResult result_ = LoginResult::kBackendUnavailable;
  Outcome outcome_ = Outcome::kUnavailable;
};

}  // namespace poplar::session
