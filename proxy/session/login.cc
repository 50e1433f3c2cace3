#include "proxy/session/login.h"

#include <algorithm>
#include <utility>

#include "proxy/pop3/login_way.h"
#include "proxy/pop3/reply.h"
#include "proxy/session/slot_wait.h"
#include "proxy/upstream/keeper.h"

namespace poplar::session {
namespace {

using balancer::Choice;
using balancer::Evidence;
using upstream::NodeError;
using upstream::NodeFailure;

// Until another session of the user, which is being ended, is out of the way.
constexpr io::Duration kPartingPause = std::chrono::milliseconds(100);

// At the health of a node that is out, while its users wait for it or for its hold-down.
constexpr io::Duration kLookInterval = std::chrono::milliseconds(500);

balancer::Moment MomentOf(io::Time time) { return time.time_since_epoch(); }

ParkedOutcome OutcomeOf(balancer::ParkedVerdict verdict) {
  switch (verdict) {
    case balancer::ParkedVerdict::kTooOld:
      return ParkedOutcome::kTooOld;
    case balancer::ParkedVerdict::kOtherCredential:
    case balancer::ParkedVerdict::kOtherMode:
      return ParkedOutcome::kOtherCredential;
    case balancer::ParkedVerdict::kServes:
      return ParkedOutcome::kReused;
  }
  return ParkedOutcome::kDead;
}

// With a lease: while the node may still hold the session, its user belongs there.
io::Task<void> RetireConnection(std::unique_ptr<upstream::Connection> connection,
                                balancer::Affinity::Lease lease = {}) {
  co_await connection->Retire();
  connection.reset();
  lease.Release();
}

}  // namespace

Login::Login(Environment& environment, const Settings& settings, const Request& request,
             Patience& patience, Record& record)
    : environment_(environment),
      settings_(settings),
      request_(request),
      patience_(patience),
      record_(record),
      said_(request.where),
      where_(request.where),
      turn_(request.turn),
      user_hash_(request.user.Hash()),
      deadline_(
          environment.proactor.timers(),
          [](void* context) {
            auto* self = static_cast<Login*>(context);
            self->late_ = true;
            if (self->session_.connection != nullptr) self->session_.connection->Expire();
          },
          this),
      sick_(
          environment.proactor.timers(),
          [](void* context) {
            upstream::Connection* at = static_cast<Login*>(context)->session_.connection.get();
            if (at != nullptr && !at->client_asked()) at->Expire();
          },
          this) {}

Login::~Login() {
  if (drawn_from_ != nullptr) drawn_from_->OnLoginDone();
}

io::Task<Login::Outcome> Login::Run() {
  if (!pop3::IsSafe(request_.credential)) {
    // On the wire it would read as more commands than one; no node may hear of it, nor be blamed.
    record_.failure = "the credential can't be written as a command";
    answer_ = pop3::kReplyLoginRefused;
    result_ = LoginResult::kRejected;
    co_return Outcome::kRefused;
  }
  Recognise();
  deadline_.Arm(request_.deadline);
  Step step = co_await SitOutPenalty();
  if (step != Step::kEnd) step = co_await Locate();
  while (step != Step::kEnd) {
    step = co_await Enter();
    if (step == Step::kGoOn) step = co_await ChooseNode();
    if (step == Step::kGoOn) step = co_await TakeParked();
    // Whoever ends the parked session is about to be done.
    if (step == Step::kGoOn && misplaced_)
      step = co_await Pause(Now() + kPartingPause, RetryReason::kHoldDown);
    if (step == Step::kGoOn && AwaitsClaims())
      step = co_await LetGo({.kind = shared_state::ClaimAnswer::Kind::kLater});
    if (step == Step::kGoOn) step = co_await TakeConnection();
    if (step == Step::kGoOn) step = Bind();
    while (step == Step::kAskSuccessor) step = co_await AskSuccessor();
    if (step == Step::kGoOn) step = co_await Claim();
    if (step == Step::kGoOn) step = co_await Authenticate();
    if (step == Step::kRetryInUse) step = co_await RetryInUse();
    if (step == Step::kRetryLost) step = co_await RetryLost();
  }
  deadline_.Disarm();
  sick_.Disarm();
  co_return outcome_;
}

// Only a password says who comes back; and a session in a mode of its own fits few.
void Login::Recognise() {
  const pop3::Credential& credential = request_.credential;
  session_.parkable = credential.proof() == pop3::Proof::kPassword && credential.plain_mode();
  // The names are free of NUL.
  const pop3::SaslIdentity& who = credential.identity;
  std::string names = who.user;
  if (!who.authorization.empty() && who.authorization != who.user)
    names.append(1, '\0').append(who.authorization);
  session_.digest = {environment_.digest.Of(names, who.secret.Expose())};
}

void Login::Abort() {
  aborted_ = true;
  patience_.End();
  if (session_.connection != nullptr) session_.connection->Abort();
}

// --- route

// While any session of the user lives, its node; else the first in the user's order that health
// allows. Nobody follows a session to a node that is out: two clients of one user, each at its
// login there in turn, would lead each other to it for as long as it is out.
io::Task<Login::Step> Login::ChooseNode() {
  for (;;) {
    if (late_ || aborted_) co_return TooLate();
    if (!InPlace()) co_return Step::kAgain;
    if (elsewhere_ && FollowElsewhere()) co_return Step::kGoOn;
    if (std::exchange(elsewhere_, std::nullopt) &&
        co_await AwaitElsewhere(shared_state::kAskAgain) == Step::kEnd)
      co_return Step::kEnd;
    const Choice choice = cluster().health.Choose(order_, user_hash_, tried_, Moment());
    misplaced_ = false;
    const bool held = Follow(choice);
    if (held ? NodeTakesUs() : choice.kind == Choice::Kind::kGo) {
      // A parked session may keep the user elsewhere: it serves, or has to end first.
      misplaced_ = !held && node_ != choice.node;
      co_return Step::kGoOn;
    }
    if (choice.kind == Choice::Kind::kNone) {
      if (record_.failure.empty()) record_.failure = "no node in service";
      co_return Unavailable(LoginResult::kBackendUnavailable, record_.failure);
    }
    // The node may come back before its users move, and the session there may end.
    if (!std::exchange(held_down_, true)) environment_.meter.LoginRetried(RetryReason::kHoldDown);
    if (held) record_.failure = "node_out: a session of the user lives on a node that is out";
    io::Time look = Now() + kLookInterval;
    if (choice.kind == Choice::Kind::kWait) look = std::min(look, io::Time(choice.until));
    const Step step = OnWake(co_await patience_.Until(std::min(look, request_.deadline)));
    if (step == Step::kEnd) co_return step;
  }
}

// Moves the user's lease where health allows. True: another session of the user lives, and holds
// the user on node_, whatever health thinks of it.
bool Login::Follow(const Choice& choice) {
  const balancer::NodeId wanted = choice.kind == Choice::Kind::kNone ? order_.front() : choice.node;
  const balancer::NodeId before = node_;
  if (!cluster().rules.affinity) {
    node_ = wanted;
  } else if (!session_.lease) {
    session_.lease = environment_.affinity.Acquire(cluster().id, request_.user, wanted);
  }
  // The process that has taken over has said where, for the sake of its own sessions of the user.
  const bool told = successor_asked_ > 0 && tried_.empty();
  if (session_.lease) {
    // No for an answer: a session of the user is in the way, and leads.
    if (choice.kind == Choice::Kind::kGo && session_.lease.node() != wanted && !told) {
      (void)session_.lease.Move(wanted);
    }
    node_ = session_.lease.node();
  }
  record_.node = node().endpoint()->name;
  if (!tried_.empty() && before != node_) environment_.meter.FailedOver(before);
  return session_.lease && (told || session_.lease.held());
}

// Whether logins may still go to node_: their waits are long enough for it to go out meanwhile.
bool Login::NodeTakesUs() const {
  const balancer::ClusterHealth& health = cluster().health;
  const bool held = elsewhere_ == node_ || (session_.lease && session_.lease.held());
  return held ? health.Serves(node_) : health.InService(node_, Moment());
}

// --- lease

// The user's own session at the node, kept from an earlier login. Taken or not, it must be out of
// the way: it may hold the maildrop's lock.
io::Task<Login::Step> Login::TakeParked() {
  std::unique_ptr<balancer::ParkedSession> parked = node().pool.TakeParked(
      cluster().id, request_.user, cluster().terms()->login.user_sessions_max);
  if (parked == nullptr) co_return Step::kGoOn;
  auto connection = Attached(std::move(parked->connection));
  const bool alive = connection->Quiet();
  const bool leads_there = connection->LeadsTo(node().endpoint());
  const io::Duration age = Moment() - parked->logged_in;
  // A view older than the client's own would pass new mail for mail that has been deleted already.
  const io::Duration oldest =
      request_.resumes ? io::Duration::zero() : node().pool.limits().max_snapshot_age;
  const auto verdict =
      balancer::Judge(*parked, session_.digest, !session_.parkable, oldest, Moment());
  const ParkedOutcome outcome = alive && leads_there ? OutcomeOf(verdict) : ParkedOutcome::kDead;
  const bool too_many = parked->lease.parked();
  const bool in_service = cluster().health.InService(node_, Moment());
  if (!in_service) {
    environment_.observer.ParkedEnded(node_, upstream::ParkedEnd::kDrained);
  } else if (too_many) {
    environment_.observer.ParkedEnded(node_, upstream::ParkedEnd::kEvicted);
  } else {
    environment_.meter.ParkedFound(node_, outcome, age);
  }
  if (too_many || !in_service || outcome != ParkedOutcome::kReused) {
    parked->lease.Park();                         // a session that ends is none of the user's
    session_.connection = std::move(connection);  // the deadline and Abort cut its goodbye short
    if (alive) co_await session_.connection->Retire();
    session_.connection.reset();
    // The lease goes last. Where the node is out, it may have been all that held the user there.
    if (!in_service) co_return Step::kAgain;
    // Another credential is for the node to judge first.
    co_return too_many&& outcome == ParkedOutcome::kReused ? TooManySessions() : Step::kGoOn;
  }
  session_.connection = std::move(connection);
  session_.lease = std::move(parked->lease);
  session_.logged_in = io::Time(parked->logged_in);
  record_.snapshot = io::Brief(age);
  Leased(LeaseSource::kParked);
  TraceNode();
  co_return LoggedIn(std::string(pop3::kReplyLoggedIn));
}

// A warm connection, or one of our own in a slot of the node's.
io::Task<Login::Step> Login::TakeConnection() {
  SlotWait place(environment_.proactor, patience_);
  balancer::NodePool::Idle evicted;
  drawn_from_ = &node().pool;
  if (!drawn_from_->TakeOrWait(place, &evicted)) {
    if (evicted.connection != nullptr) {
      environment_.observer.ParkedEnded(node_, upstream::ParkedEnd::kEvicted);
      upstream::RetireInBackground(environment_.proactor, environment_.scope, std::move(evicted));
    }
    const Step step = co_await WaitInQueue(place);
    if (step != Step::kGoOn) co_return step;
  }
  balancer::Slot slot = std::move(place.grant.slot);
  if (place.grant.kind == balancer::NodePool::Grant::Kind::kWarm) {
    session_.connection = Attached(std::move(place.grant.connection));
    if (session_.connection->LeadsTo(node().endpoint()) && session_.connection->Quiet()) {
      Leased(LeaseSource::kWarm);
      TraceNode();
      co_return Step::kGoOn;
    }
    slot = std::move(session_.connection->slot);
    session_.connection.reset();
  }
  co_return co_await Open(std::move(slot));
}

io::Task<Login::Step> Login::WaitInQueue(SlotWait& place) {
  const io::Time begun = Now();
  const QueueResult result =
      co_await place.Wait(node().pool, std::min(request_.deadline, begun + node().wait_timeout()),
                          [this] { return NodeTakesUs() && InPlace(); });
  const io::Duration queued = Now() - begun;
  record_.queued = io::Brief(queued);
  environment_.meter.QueueLeft(node_, result, queued);
  if (result == QueueResult::kGranted) co_return Step::kGoOn;
  if (place.grant.connection != nullptr) {
    environment_.scope.Spawn(RetireConnection(Attached(std::move(place.grant.connection))));
  }
  place.grant.slot.Release();
  switch (result) {
    case QueueResult::kGranted:
    case QueueResult::kNodeOut:
      break;
    case QueueResult::kTimeout:
      co_return Unavailable(LoginResult::kBackendUnavailable,
                            "pool_timeout: all connections to the node are in use");
    case QueueResult::kClientLeft:
      co_return OnWake(Patience::Wake::kClientLeft);
    case QueueResult::kEnded:
      co_return OnWake(Patience::Wake::kEnded);
  }
  co_return Step::kAgain;
}

io::Task<Login::Step> Login::Open(balancer::Slot slot) {
  if (late_ || aborted_) co_return TooLate();
  session_.connection =
      std::make_unique<upstream::Connection>(environment_.proactor, node().endpoint());
  session_.connection->slot = std::move(slot);
  Leased(LeaseSource::kNew);
  TraceNode();
  NodeError error = co_await session_.connection->Open(request_.origin);
  NoteStages();
  if (error.failure == NodeFailure::kNone) co_return Step::kGoOn;
  co_return co_await AfterUnreachable(std::move(error), Evidence::kUnreachable);
}

// From here on the user stays where it is, as long as this session lives.
Login::Step Login::Bind() {
  if (late_ || aborted_) {
    GiveUpConnection(true);
    return TooLate();
  }
  if (!NodeTakesUs() || !InPlace()) {
    GiveUpConnection(true);
    return Step::kAgain;
  }
  if (!session_.lease) return Step::kGoOn;
  const uint32_t most = cluster().terms()->login.user_sessions_max;
  if (most > 0 && has_secret() && session_.lease.Full(session_.digest, most)) {
    GiveUpConnection(true);
    return TooManySessions();
  }
  switch (session_.lease.Bind()) {
    case balancer::Affinity::BindResult::kBound:
      return Step::kGoOn;
    case balancer::Affinity::BindResult::kUnclaimed:
      return Step::kAskSuccessor;
    case balancer::Affinity::BindResult::kMoved:
      break;
  }
  GiveUpConnection(true);
  return Step::kAgain;
}

// The node has accepted the login. False: it makes one session too many of the user's.
bool Login::Counts() {
  const uint32_t allowed = cluster().terms()->login.user_sessions_max;
  if (allowed == 0 || !session_.lease) return true;
  if (sessions_elsewhere_ >= allowed) return false;
  const uint32_t most = allowed - sessions_elsewhere_;
  return session_.lease.Accept(has_secret() ? session_.digest : balancer::CredentialDigest{}, most);
}

// To be ended at the node, which may hold the maildrop's lock for it; then the client is told.
Login::Step Login::OnOneTooMany() {
  const bool asked = session_.connection->client_asked();
  CountForPenalty(true);
  environment_.scope.Spawn(
      RetireConnection(std::move(session_.connection), std::move(session_.lease)));
  const Step step = TooManySessions();
  result_ = LoginResult::kBackendError;
  outcome_ = Outcome::kUnavailable;
  return asked ? Step::kEnd : step;
}

Login::Step Login::TooManySessions() {
  record_.failure = "user_limit: the user has " +
                    std::to_string(cluster().terms()->login.user_sessions_max) + " sessions";
  answer_ = pop3::kReplyInUse;
  retry_reason_ = RetryReason::kUserLimit;
  return Step::kRetryInUse;
}

// --- small parts

void Login::TellHealth(Evidence evidence, std::string_view detail) {
  const uint64_t user = evidence == Evidence::kUnreachable ? 0 : user_hash_;
  const auto transition = cluster().health.OnEvidence(node_, evidence, detail, Moment(), user);
  if (transition) environment_.observer.NodeChanged(*transition);
}

std::unique_ptr<upstream::Connection> Login::Attached(
    std::unique_ptr<balancer::PooledConnection> pooled) {
  std::unique_ptr<upstream::Connection> connection(
      static_cast<upstream::Connection*>(pooled.release()));
  connection->Attach(environment_.proactor);
  return connection;
}

void Login::Leased(LeaseSource source) {
  source_ = source;
  constexpr const char* kNames[] = {"parked", "warm", "new"};
  record_.lease = kNames[static_cast<size_t>(source)];
  record_.connect = record_.node_tls = record_.greeting = record_.authentication = {};
  environment_.meter.LeaseTaken(node_, source);
}

// All that the node is told from here on.
void Login::TraceNode() {
  using Start = trace::Tap::Start;
  if (request_.tracing == nullptr) return;
  const Start start = source_ == LeaseSource::kNew ? Start::kGreeting : Start::kIdle;
  trace::Taps taps = request_.tracing->NodeTaps(node().endpoint()->name, start);
  for (const auto& tap : taps) tap->Note(std::string(record_.lease) + " connection");
  session_.connection->Trace(std::move(taps));
}

void Login::LookAtNode(balancer::NodeId node) {
  if (session_.connection == nullptr || node != node_ || !cluster().resumes()) return;
  if (cluster().health.Serves(node_)) {
    sick_.Disarm();
  } else {
    sick_.Arm(Now() + kSickNodeResponse);
  }
}

// A connection that will not be used. No session was relayed over it: a QUIT harms nobody.
void Login::GiveUpConnection(bool politely) {
  sick_.Disarm();
  if (session_.connection == nullptr) return;
  if (politely) {
    environment_.scope.Spawn(RetireConnection(std::move(session_.connection)));
  } else {
    session_.connection.reset();
  }
}

void Login::NoteStages() {
  const upstream::StageDurations& stages = session_.connection->durations();
  record_.authentication = io::Brief(stages.authentication);
  if (source_ != LeaseSource::kNew) return;  // a warm one was opened at nobody's cost
  record_.connect = io::Brief(stages.connect);
  record_.node_tls = io::Brief(stages.tls);
  record_.greeting = io::Brief(stages.greeting);
}

upstream::Node& Login::node() const { return settings_.NodeOf(node_); }

balancer::Moment Login::Moment() const { return MomentOf(Now()); }

}  // namespace poplar::session
