#include "proxy/session/session.h"

#include <algorithm>
#include <utility>

#include "proxy/io/deadline.h"
#include "proxy/io/socket_stream.h"
#include "proxy/pop3/reply.h"
#include "proxy/session/farewell.h"
#include "proxy/upstream/keeper.h"

namespace poplar::session {
namespace {

// What each session keeps while it is idle, beside TLS (bench/PROFILE.md).
static_assert(sizeof(Session) <= 864 && sizeof(Relay) <= 352);

// A ClientHello on a port for plain POP3: no line would ever end it.
bool LooksLikeTls(std::string_view bytes) { return bytes.starts_with("\x16\x03"); }

// The name is canonical already.
balancer::CanonicalUser UserOf(const Record& record) {
  return balancer::CanonicalUser::FromCanonical(record.user);
}

// The user stays on this node until it has answered.
io::Task<void> RetireSession(NodeSession session) { co_await session.connection->Retire(); }

}  // namespace

Session::Session(Environment& environment, std::shared_ptr<const Settings> settings,
                 const ListenerSettings& listener, const io::Accepted& accepted, Place place)
    : environment_(environment),
      settings_(std::move(settings)),
      listener_(listener),
      place_(std::move(place)),
      client_(std::make_unique<io::SocketStream>(proactor(), accepted.socket)),
      where_{listener.cluster} {
  record_.id = proactor().random().Next();
  record_.client = accepted.peer;
  record_.local = accepted.local;
  record_.listener = listener.name;
  record_.accepted = proactor().Now();
  environment_.meter.SessionBegan(listener_.index);
  environment_.newcomers.Add(*this);
}

Session::~Session() {
  record_.total = proactor().Now() - record_.accepted;
  if (tapping_.active()) tapping_.Note("the session ends: " + std::string(Name(record_.reason)));
  environment_.meter.SessionEnded(listener_.index, record_);
  environment_.log.Write(record_);
}

io::Task<bool> Session::Run() {
  if (relay_ == nullptr) {
    const bool known = co_await LearnClient();
    if (known) TraceClient(trace::Tap::Start::kGreeting);
    const bool logged_in = known && co_await Authorize();
    if (logged_in && !ended_) BeginRelay();
  }
  if (relay_ != nullptr && co_await RelayMail()) co_return true;
  co_await Close();
  co_return false;
}

// --- the AUTHORIZATION state

io::Task<bool> Session::Authorize() {
  pop3::Authorization dialogue(Policy());
  input_.lines.SetLimit(pop3::Authorization::kLineBytesMax);
  const bool proxy = listener_.xclient_from.Contains(record_.client);
  if (!co_await Say(proxy ? pop3::kGreetingXclient : pop3::kGreeting)) co_return false;
  while (!ended_) {
    std::string_view line;
    switch (input_.lines.Next(&line)) {
      case pop3::LineReader::Event::kNeedMore:
        input_.Release();
        if (!co_await ReadMore()) co_return false;
        break;
      case pop3::LineReader::Event::kTooLong:
        if (co_await Perform(dialogue, dialogue.OnLineTooLong())) co_return true;
        break;
      case pop3::LineReader::Event::kLine:
        if (co_await Perform(dialogue, dialogue.OnLine(line))) co_return true;
        break;
    }
  }
  co_return false;
}

pop3::AuthorizationPolicy Session::Policy() const {
  const LoginPolicy& login = listener_.login;
  pop3::AuthorizationPolicy policy{.bad_commands_max = login.bad_commands_max,
                                   .failed_logins_max = login.failed_logins_max,
                                   .takes_xclient = listener_.xclient_from.Contains(record_.client),
                                   .needs_tls = login.require_tls && !secure_,
                                   .certificate_user = introduction().certificate_user};
  const auto common = Offered();
  policy.offer.stls = listener_.tls != nullptr && !secure_;
  if (common->known) policy.offer.nodes = {common, &common->capabilities};
  policy.offer.edits = &listener_.capabilities;
  policy.offer.user = login.user && !policy.needs_tls;
  if (policy.needs_tls) return policy;
  policy.offer.mechanisms = login.mechanisms & common->mechanisms;
  if (!common->known) policy.unpromised = login.mechanisms;
  // The node can't check a certificate that was shown to us: a master user opens for it.
  if (policy.certificate_user.empty() || !cluster().terms()->master.exists()) {
    policy.offer.mechanisms.Remove(pop3::Mechanism::kExternal);
    policy.unpromised.Remove(pop3::Mechanism::kExternal);
  }
  return policy;
}

// What every cluster offers that the user may turn out to be in.
std::shared_ptr<const upstream::OfferedCapabilities::Common> Session::Offered() const {
  auto common = cluster().offered.common();
  for (size_t i = 1; i < listener_.clusters.size(); ++i) {
    common = upstream::Intersection(common,
                                    settings_->ClusterOf(listener_.clusters[i]).offered.common());
  }
  return common;
}

io::Task<bool> Session::ReadMore() {
  if (draining_) {
    farewell_ = FarewellOf(*draining_);
    End(*draining_);
    co_return false;
  }
  io::Deadline deadline(proactor(), record_.accepted + settings_->timeouts.login, *client_);
  reading_command_ = true;
  reading_since_ = proactor().Now();
  io::Result<io::Buffer> more = co_await client_->Read();
  reading_command_ = false;
  // Also where bytes came in the same moment: the stream is aborted.
  if (deadline.expired()) {
    End(EndReason::kLoginTimeout);
    co_return false;
  }
  if (more && !more->empty()) {
    const bool first =
        std::exchange(record_.bytes_from_client, record_.bytes_from_client + more->size()) == 0;
    if (first && !secure_ && LooksLikeTls(more->bytes())) {
      abrupt_ = true;
      End(EndReason::kUnexpectedTls);
      co_return false;
    }
    input_.Feed(std::move(*more));
    co_return true;
  }
  if (draining_ && !more && more.error().cancelled()) {
    farewell_ = FarewellOf(*draining_);
    End(*draining_);
  } else if (more) {
    End(EndReason::kClientEof);
  } else {
    End(more.error().code == EPROTO ? EndReason::kClientProtocol : EndReason::kClientReset);
  }
  co_return false;
}

// In the midst of a login: what its node wants to know.
io::Task<std::optional<pop3::Secret>> Session::Ask(std::string_view question) {
  if (!co_await Say(question)) co_return std::nullopt;
  for (;;) {
    std::string_view line;
    switch (input_.lines.Next(&line)) {
      case pop3::LineReader::Event::kNeedMore:
        input_.Release();
        if (!co_await ReadMore()) co_return std::nullopt;
        break;
      case pop3::LineReader::Event::kTooLong:
        co_return pop3::Secret("*");
      case pop3::LineReader::Event::kLine: {
        pop3::Secret answer(line);
        input_.Stow();
        co_return std::move(answer);
      }
    }
  }
}

// True once the user is logged in.
io::Task<bool> Session::Perform(pop3::Authorization& dialogue, pop3::Authorization::Step step) {
  using Kind = pop3::Authorization::Step::Kind;
  if (step.kind == Kind::kLogin) {
    input_.Stow();
    switch (co_await LogIn(dialogue.TakeCredential())) {
      case Login::Outcome::kLoggedIn:
        co_return true;
      case Login::Outcome::kUnavailable:
      case Login::Outcome::kClientLeft:
        dialogue.OnLoginUnavailable();
        co_return false;
      case Login::Outcome::kRefused:
        step = dialogue.OnLoginRefused();
        break;
    }
  }
  if (!co_await Say(step.reply)) co_return false;
  if (step.kind == Kind::kStartTls) {
    co_await StartTls(dialogue);
  } else if (step.kind == Kind::kXclient) {
    TakeOver(dialogue.xclient());
  } else if (step.kind == Kind::kReplyAndEnd) {
    switch (step.cause) {
      case pop3::EndCause::kTooManyBadCommands:
        End(EndReason::kTooManyBadCommands);
        break;
      case pop3::EndCause::kTooManyFailedLogins:
        End(EndReason::kTooManyFailedLogins);
        break;
      case pop3::EndCause::kLoop:
        End(EndReason::kLoop);
        break;
      default:
        End(EndReason::kQuit);
    }
  }
  co_return false;
}

// --- route, lease, log in

const Session::Introduction& Session::introduction() const {
  static const Introduction kNone;
  return introduction_ != nullptr ? *introduction_ : kNone;
}

std::string_view Session::DefaultDomain() const {
  const auto& domains = settings_->domains_by_server_name;
  const auto own = domains.find(introduction().server_name);
  return own != domains.end() ? std::string_view(own->second) : listener_.default_domain;
}

upstream::ClientOrigin Session::Origin() const {
  return {.client = record_.client, .local = record_.local, .session = record_.id, .ttl = ttl_};
}

io::Task<Login::Outcome> Session::LogIn(pop3::Credential credential) {
  const io::Time begun = proactor().Now();
  record_.mechanism =
      io::StaticText(credential.mechanism ? pop3::Name(*credential.mechanism) : "USER");
  const auto canonical = balancer::CanonicalUser::FromLogin(credential.mailbox(),
                                                            settings_->canonical, DefaultDomain());
  if (!canonical) {
    record_.failure = balancer::Text(canonical.error());
    ++record_.refused_logins;
    environment_.meter.LoginEnded(listener_.index, LoginResult::kRejected, record_,
                                  io::Duration::zero());
    co_await Say(pop3::kReplyLoginRefused);
    co_return Login::Outcome::kRefused;
  }
  record_.user = canonical->text();
  // Whoever is about to log in isn't crowded out.
  environment_.newcomers.Remove(*this);
  TraceUser(credential);
  const upstream::ClientOrigin origin = Origin();
  const Arrival arrival{listener_, introduction().server_name, introduction().certificate.get(),
                        ++logins_};
  Patience patience(proactor(), *client_, input_);
  const std::shared_ptr<const Settings> newest = Newest(environment_, settings_);
  record_.route = record_.move = {};  // those of an earlier login go with what it went by
  moves_ = newest->moves;
  rules_ = newest->routing.rules;
  Login login(environment_, *newest,
              {.where = {listener_.cluster},
               .user = *canonical,
               .credential = credential,
               .deadline = record_.accepted + settings_->timeouts.login,
               .origin = &origin,
               .challenger = this,
               .arrival = &arrival,
               .tracing = LookForTraces()},
              patience, record_);
  login_ = &login;
  const Login::Outcome outcome = co_await login.Run();
  login_ = nullptr;
  record_.bytes_from_client += patience.bytes_received();
  const io::Duration took = proactor().Now() - begun - login.sat_out();
  record_.login = io::Brief(took);
  if (outcome == Login::Outcome::kClientLeft) {
    environment_.meter.LoginEnded(listener_.index, LoginResult::kAbandoned, record_, took);
    // Where it gave no answer to the node's question, whoever asked it has said why.
    const bool eof = patience.client_error().value_or(0) == 0;
    End(eof ? EndReason::kClientEof : EndReason::kClientReset);
    co_return outcome;
  }
  if (login.result() == LoginResult::kRejected) ++record_.refused_logins;
  environment_.meter.LoginEnded(listener_.index, login.result(), record_, took);
  if (outcome == Login::Outcome::kLoggedIn) OnLoggedIn(login, *newest, credential);
  if (login.answer() == pop3::kReplyTemporary) node_was_unavailable_ = true;
  if (outcome != Login::Outcome::kLoggedIn) environment_.newcomers.Add(*this);
  if (co_await Say(login.answer()) && login.throttled()) End(EndReason::kTooManyGuesses);
  if (outcome != Login::Outcome::kLoggedIn) StopTracingUser();
  co_return outcome;
}

void Session::OnLoggedIn(Login& login, const Settings& settings,
                         const pop3::Credential& credential) {
  record_.logged_in = true;
  input_.lines.SetLimit(pop3::kCommandLineBytesMax);
  place_.LeaveUnauthenticated();
  where_ = login.where();
  if (where_.node)
    own_node_ = std::make_unique<std::string>(settings.nodes->FindNode(*where_.node)->name);
  turn_ = login.turn();
  JoinNode(std::move(login.session()), login.node_id());
  // Its node's, now that it is known.
  ListenIn(trace::Tap::Start::kLoginAnswer, credential.identity.secret.Expose());
  if (cluster().resumes()) {
    credential_ = SealCredential(environment_.sealer, login.credential());
  }
}

// --- the TRANSACTION state

void Session::BeginRelay() {
  introduction_.reset();
  relay_ = std::make_unique<Relay>(proactor(), *client_, input_, OptionsOfRelay(),
                                   settings_->admission.pace, record_, environment_.meter);
  if (draining_) relay_->Drain(*draining_);
  LookAtMoves();  // said while the node was asked for the login
  relay_->Join(SideOfNode());
}

// True: it rests.
io::Task<bool> Session::RelayMail() {
  for (;;) {
    co_await relay_->Run();
    if (relay_->rests()) co_return true;
    if (relay_->end().lost != ResumeResult::kResumed || !co_await GoOnElsewhere(*relay_)) break;
    relay_->Join(SideOfNode());
  }
  const std::unique_ptr<Relay> relay = std::move(relay_);
  const RelayEnd& end = relay->end();
  farewell_ = end.farewell;
  abrupt_ = end.abrupt;
  finished_ = end.finished;
  End(end.reason);
  if (departure_ != nullptr && record_.reason == EndReason::kMoved) departure_->Ended();
  departure_.reset();
  if (end.node_failed) TellHealth(end.reason);
  if (end.lost && *end.lost != ResumeResult::kResumed && SideOf(end.reason) != Side::kClient) {
    CountResume(*end.lost, proactor().Now());
  }
  if (end.park)
    environment_.meter.ParkEnded(node_, *end.park == ParkResult::kParked ? Park() : *end.park);
  co_return false;
}

RelayOptions Session::OptionsOfRelay() const {
  return {.client_idle = io::Configured(settings_->timeouts.client_idle),
          .client_write_stall = io::Configured(settings_->timeouts.client_write_stall),
          .bad_commands_max = settings_->bad_commands_max,
          .resumes = !credential_.empty(),
          .pipelining = cluster().offered.common()->pipelining,
          .deletes = Deletes(),
          .unknown_refused = listener_.unknown_refused,
          .listing_key = environment_.listing_key,
          .capabilities = &listener_.capabilities};
}

admission::Deletes Session::Deletes() const {
  const ClusterPolicy* const policy = settings_->PolicyOf(where_.cluster);
  return policy == nullptr ? admission::Deletes::kAllowed : policy->retention.Of(record_.user);
}

NodeSide Session::SideOfNode() const {
  const balancer::PoolLimits limits = settings_->NodeOf(node_).pool.limits();
  const bool parks = cluster().rules.affinity && limits.parked > 0 && upstream_.parkable;
  return {.stream = upstream_.connection->stream(),
          .id = node_,
          .response = upstream_.connection->endpoint().timeouts.response,
          .keepalive = upstream_.connection->endpoint().timeouts.keepalive,
          .logged_in = upstream_.logged_in,
          .max_snapshot_age = parks ? limits.max_snapshot_age : io::Duration::zero(),
          // Said while the node was asked for the login.
          .down = cluster().health.admin(node_) == balancer::AdminState::kDown,
          .out = !cluster().health.Serves(node_)};
}

// The node is lost. True: the session has another. False: it ends, as relay.end() says.
io::Task<bool> Session::GoOnElsewhere(Relay& relay) {
  const EndReason lost = relay.end().reason;
  if (relay.TakeNodeFailure()) TellHealth(lost);
  LeaveNode();
  if (!relay.owes_answer() && !co_await relay.AwaitCommand()) {
    if (relay.end().reason == lost && SideOf(lost) != Side::kClient)
      CountResume(ResumeResult::kUnrepeatable, proactor().Now());
    co_return false;
  }
  const io::Time stalled_since = relay.stalled_since();
  const balancer::CanonicalUser user = UserOf(record_);
  const upstream::ClientOrigin origin = Origin();
  const std::string_view own_node = own_node_ != nullptr ? *own_node_ : std::string_view();
  // The client is not listened to meanwhile: it may have closed its half and want its answers.
  Patience patience(proactor(), *client_, input_, false);
  Resume resume(environment_, settings_,
                {cluster(), where_, user, credential_, relay, PauseAfter(lost, relay.losses()),
                 stalled_since + cluster().terms()->resume.deadline, &origin, own_node, turn_,
                 moves_, LookForTraces()},
                patience);
  resume_ = &resume;
  const ResumeResult result = co_await resume.Run();
  resume_ = nullptr;
  CountResume(result, stalled_since);
  if (result == ResumeResult::kResumed) {
    record_.node = resume.node_name();
    if (tracing_ != nullptr) tapping_.DropAllBut(tracing_->All());
    JoinNode(std::move(resume.session()), resume.node_id());
    co_return true;
  }
  relay.GiveUp();
  co_return false;
}

void Session::CountResume(ResumeResult result, io::Time stalled_since) {
  const io::Time now = proactor().Now();
  environment_.meter.ResumeEnded(result, now - stalled_since);
  // One wait may be the work of several losses.
  const io::Time uncounted = std::max(stalled_since, std::exchange(stalls_counted_, now));
  record_.stalled = io::Brief(record_.stalled + (now - uncounted));
  if (result == ResumeResult::kResumed) {
    ++record_.resumes;
  } else {
    record_.not_resumed = io::StaticText(Name(result));
  }
}

void Session::TellHealth(EndReason lost) {
  const auto transition =
      cluster().health.OnEvidence(node_, balancer::Evidence::kSessionLost, Name(lost),
                                  proactor().Now().time_since_epoch(), UserOf(record_).Hash());
  if (transition) environment_.observer.NodeChanged(*transition);
}

// The client has its answer to QUIT; the node gets the QUIT when nobody wants the session any more.
ParkResult Session::Park() {
  // Of whom an operator kicks nothing is to stay, nor of whom another replica has elsewhere.
  const bool kicked = draining_ == EndReason::kKicked || draining_ == EndReason::kClaimLost;
  if (kicked || !upstream_.connection->Detach()) {
    environment_.scope.Spawn(RetireSession(std::move(upstream_)));
    return kicked ? ParkResult::kRefused : ParkResult::kNodeClosed;
  }
  std::unique_ptr<upstream::Connection> connection = std::move(upstream_.connection);
  const balancer::PooledConnection* ours = connection.get();
  auto session = std::make_unique<balancer::ParkedSession>();
  session->connection = std::move(connection);
  session->lease = std::move(upstream_.lease);
  session->digest = upstream_.digest;
  session->logged_in = upstream_.logged_in.time_since_epoch();
  std::vector<balancer::NodePool::Idle> leaving = settings_->NodeOf(node_).pool.Park(
      where_.cluster, UserOf(record_), std::move(session), proactor().Now().time_since_epoch());
  record_.parked = true;
  for (balancer::NodePool::Idle& idle : leaving) {
    if (idle.connection.get() == ours) {
      record_.parked = false;
    } else {
      environment_.observer.ParkedEnded(node_, upstream::ParkedEnd::kEvicted);
    }
    upstream::RetireInBackground(proactor(), environment_.scope, std::move(idle));
  }
  return record_.parked ? ParkResult::kParked : ParkResult::kRefused;
}

}  // namespace poplar::session
