#include "proxy/session/session.h"

#include <utility>

#include "proxy/io/deadline.h"
#include "proxy/io/socket_stream.h"
#include "proxy/pop3/reply.h"
#include "proxy/tls/stream.h"

namespace poplar::session {
namespace {

// After our last word the client may still be sending. Closing at once would make the kernel answer
// that with a reset, which can take our word with it; so we read on for a moment.
constexpr io::Duration kLingerTime = std::chrono::seconds(1);
constexpr size_t kLingerBytes = size_t{64} * 1024;

// Whether a refusal may mean a wrong password, which has its limit a connection. [IN-USE],
// [LOGIN-DELAY] and [SYS/...] are no guess at one; a code that we don't know may be.
bool IsAboutCredential(std::string_view refusal) {
  const auto reply = pop3::ParseReply(refusal);
  switch (reply ? reply->code : pop3::ResponseCode::kNone) {
    case pop3::ResponseCode::kInUse:
    case pop3::ResponseCode::kLoginDelay:
    case pop3::ResponseCode::kSysTemp:
    case pop3::ResponseCode::kSysPerm:
      return false;
    case pop3::ResponseCode::kNone:
    case pop3::ResponseCode::kAuth:
    case pop3::ResponseCode::kOther:
      return true;
  }
  return true;
}

// Keeps the settings, into which the connection points, as long as it takes.
io::Task<void> RetireConnection(std::shared_ptr<const Settings>,
                                std::unique_ptr<upstream::Connection> connection) {
  co_await connection->Retire();
}

}  // namespace

Session::Session(Environment& environment, std::shared_ptr<const Settings> settings,
                 const ListenerSettings& listener, const io::Accepted& accepted)
    : environment_(environment),
      proactor_(environment.proactor),
      settings_(std::move(settings)),
      listener_(listener),
      client_(std::make_unique<io::SocketStream>(proactor_, accepted.socket)) {
  record_.id = proactor_.random().Next();
  record_.client = accepted.peer;
  record_.listener = listener.name;
  record_.accepted = proactor_.Now();
  environment_.meter.SessionBegan(listener_.index);
}

Session::~Session() {
  record_.total = proactor_.Now() - record_.accepted;
  environment_.meter.SessionEnded(listener_.index, record_);
  environment_.log.Write(record_);
}

io::Task<void> Session::Run() {
  const bool secured = co_await Handshake();
  const bool logged_in = secured && co_await Authorize();
  if (logged_in) co_await RelayMail();
  co_await Close();
}

// --- TLS

io::Task<bool> Session::Handshake() {
  if (listener_.tls == nullptr) co_return true;
  auto secured = std::make_unique<tls::TlsStream>(
      std::move(client_), listener_.tls->NewConnection(), proactor_.buffers(), proactor_.ready());
  tls::TlsStream& stream = *secured;
  client_ = std::move(secured);

  io::Deadline deadline(proactor_, settings_->timeouts.tls_handshake, stream);
  const io::Result<> done = co_await stream.Handshake();
  const io::Duration took = proactor_.Now() - record_.accepted;
  record_.handshake = took;
  if (done) {
    const tls::HandshakeFacts facts = stream.engine().facts();
    record_.tls_version = facts.version;
    record_.tls_cipher = facts.cipher;
    record_.tls_resumed = facts.resumed;
  } else if (deadline.expired()) {
    End(EndReason::kTlsHandshakeTimeout);
  } else if (done.error().code == EPROTO) {
    End(stream.engine().failure() == tls::FailureReason::kNotTls ? EndReason::kNotTls
                                                                 : EndReason::kTlsHandshakeFailed);
    record_.failure = stream.engine().failure_text();
  } else {
    End(EndReason::kClientReset);
  }
  const HandshakeResult result = done                 ? HandshakeResult::kOk
                                 : deadline.expired() ? HandshakeResult::kTimeout
                                                      : HandshakeResult::kFailed;
  environment_.meter.HandshakeEnded(result, record_, took);
  co_return done.has_value();
}

// --- the AUTHORIZATION state

io::Task<bool> Session::Authorize() {
  pop3::Authorization dialogue(listener_.authorization);
  if (!co_await Say(dialogue.greeting())) co_return false;
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

io::Task<bool> Session::ReadMore() {
  if (draining_) {
    farewell_ = pop3::kReplyDraining;
    End(EndReason::kDraining);
    co_return false;
  }
  io::Deadline deadline(proactor_, record_.accepted + settings_->timeouts.login, *client_);
  reading_command_ = true;
  io::Result<io::Buffer> more = co_await client_->Read();
  reading_command_ = false;
  if (more && !more->empty()) {
    record_.bytes_from_client += more->size();
    input_.Feed(std::move(*more));
    co_return true;
  }
  if (deadline.expired()) {
    End(EndReason::kLoginTimeout);
  } else if (draining_ && !more && more.error().cancelled()) {
    farewell_ = pop3::kReplyDraining;
    End(EndReason::kDraining);
  } else if (more) {
    End(EndReason::kClientEof);
  } else {
    End(more.error().code == EPROTO ? EndReason::kClientProtocol : EndReason::kClientReset);
  }
  co_return false;
}

// True once the user is logged in.
io::Task<bool> Session::Perform(pop3::Authorization& dialogue, pop3::Authorization::Step step) {
  using Kind = pop3::Authorization::Step::Kind;
  if (step.kind == Kind::kLogin) {
    input_.Stow();
    switch (co_await LogIn(dialogue.user(), dialogue.TakePassword())) {
      case LoginStep::kLoggedIn:
        co_return true;
      case LoginStep::kUnavailable:
        dialogue.OnLoginUnavailable();
        co_return false;
      case LoginStep::kRefused:
        step = dialogue.OnLoginRefused();
        break;
    }
  }
  if (!co_await Say(step.reply)) co_return false;
  if (step.kind == Kind::kReplyAndEnd) {
    switch (step.cause) {
      case pop3::EndCause::kTooManyBadCommands:
        End(EndReason::kTooManyBadCommands);
        break;
      case pop3::EndCause::kTooManyFailedLogins:
        End(EndReason::kTooManyFailedLogins);
        break;
      default:
        End(EndReason::kQuit);
    }
  }
  co_return false;
}

// --- route, lease, log in

io::Task<Session::LoginStep> Session::LogIn(std::string_view user, pop3::Secret password) {
  login_begun_ = proactor_.Now();
  const auto canonical = balancer::CanonicalUser::FromLogin(user, settings_->canonical);
  if (!canonical) {
    record_.failure = balancer::Text(canonical.error());
    environment_.meter.LoginEnded(LoginResult::kRejected, record_, io::Duration::zero());
    co_await Say(pop3::kReplyLoginRefused);
    co_return LoginStep::kRefused;
  }
  record_.user = canonical->text();
  const balancer::Candidates candidates = settings_->nodes->Choose(listener_.cluster, *canonical);
  lease_ = environment_.affinity.Acquire(listener_.cluster, *canonical, candidates.front());
  const upstream::NodeError error = co_await Reach(candidates);
  LoginStep step = LoginStep::kUnavailable;
  if (error.failure != upstream::NodeFailure::kNone) {
    step = co_await Unavailable(LoginResult::kBackendUnavailable, error);
  } else {
    step = co_await Authenticate(user, password);
  }
  if (step != LoginStep::kLoggedIn) lease_.Release();
  co_return step;
}

// Opens a connection to the user's node. No credential is at stake yet, so a failure may move on to
// the next node in the user's order of preference: but only where the nodes share their storage
// (there is one candidate otherwise), and only while no other session holds the user on this one.
io::Task<upstream::NodeError> Session::Reach(const balancer::Candidates& candidates) {
  size_t next = 0;
  for (;;) {
    const balancer::NodeId node = lease_.node();
    const upstream::Endpoint& endpoint = EndpointOf(node);
    record_.node = endpoint.name;
    upstream_ =
        std::make_unique<upstream::Connection>(proactor_, endpoint, settings_->timeouts.upstream);
    upstream::NodeError error = co_await upstream_->Open();
    NoteStages();
    if (ended_)
      co_return upstream::NodeError{upstream::NodeFailure::kCancelled, "the session ended"};
    if (error.failure == upstream::NodeFailure::kNone) {
      if (lease_.Bind()) co_return error;
      GiveUpUpstream(true);  // another session of the user has moved meanwhile: follow it
      continue;
    }
    environment_.meter.NodeFailed(node, error.failure);
    GiveUpUpstream(false);
    while (next < candidates.size() && candidates[next] == node) ++next;
    const bool late = proactor_.Now() >= record_.accepted + settings_->timeouts.login;
    if (next == candidates.size() || late || !lease_.Move(candidates[next])) co_return error;
    ++next;
    environment_.meter.FailedOver(node);
  }
}

io::Task<Session::LoginStep> Session::Authenticate(std::string_view user,
                                                   const pop3::Secret& password) {
  const auto answer = co_await upstream_->LogIn(user, password);
  NoteStages();
  if (!answer) {
    if (!ended_) environment_.meter.NodeFailed(lease_.node(), answer.error().failure);
    GiveUpUpstream(false);
    const bool timeout = answer.error().failure == upstream::NodeFailure::kResponseTimeout;
    co_return co_await Unavailable(timeout ? LoginResult::kTimeout : LoginResult::kBackendError,
                                   answer.error());
  }
  const io::Duration took = proactor_.Now() - login_begun_;
  record_.login = took;
  if (answer->accepted) {
    record_.logged_in = true;
    record_.failure.clear();
    environment_.meter.LoginEnded(LoginResult::kOk, record_, took);
    environment_.meter.NodeSessionBegan(lease_.node());
    counted_on_node_ = true;
    co_await Say(answer->line);
    co_return LoginStep::kLoggedIn;
  }
  // Without its line end: that is no part of the answer's words.
  record_.failure = answer->line.substr(0, answer->line.find_last_not_of("\r\n") + 1);
  GiveUpUpstream(true);
  const bool credential = IsAboutCredential(record_.failure);
  environment_.meter.LoginEnded(credential ? LoginResult::kRejected : LoginResult::kBackendError,
                                record_, took);
  co_await Say(answer->line);
  co_return credential ? LoginStep::kRefused : LoginStep::kUnavailable;
}

// --- the TRANSACTION state

io::Task<void> Session::RelayMail() {
  if (ended_) co_return;
  const Timeouts& timeouts = settings_->timeouts;
  Relay relay(proactor_, *client_, upstream_->stream(), input_,
              RelayOptions{timeouts.client_idle, timeouts.client_write_stall,
                           timeouts.upstream.response, settings_->bad_commands_max},
              record_, environment_.meter);
  relay_ = &relay;
  if (draining_) relay.Drain();
  const RelayEnd end = co_await relay.Run();
  relay_ = nullptr;
  farewell_ = end.farewell;
  abrupt_ = end.abrupt;
  End(end.reason);
}

// --- the end

io::Task<void> Session::Close() {
  GiveUpUpstream(false);
  lease_.Release();
  input_.Release();
  if (abrupt_) co_return;
  io::Deadline deadline(proactor_, settings_->timeouts.client_write_stall, *client_);
  if (!farewell_.empty()) {
    const io::Result<> said = co_await client_->Write(farewell_);
    if (!said) co_return;
    record_.bytes_to_client += farewell_.size();
  }
  const io::Result<> shut = co_await client_->ShutdownWrite();
  if (shut) co_await Linger();
}

io::Task<void> Session::Linger() {
  if (record_.reason == EndReason::kClientEof) co_return;
  io::Deadline deadline(proactor_, kLingerTime, *client_);
  for (size_t bytes = 0; bytes < kLingerBytes;) {
    const io::Result<io::Buffer> last = co_await client_->Read();
    if (!last || last->empty()) break;
    bytes += last->size();
  }
}

void Session::Drain() {
  if (draining_) return;
  draining_ = true;
  if (relay_ != nullptr) {
    relay_->Drain();
  } else if (reading_command_) {
    client_->CancelRead();
  }
}

void Session::Abort() {
  if (relay_ != nullptr) relay_->Abort();
  abrupt_ = true;
  End(EndReason::kShutdown);
  client_->Abort();
  if (upstream_ != nullptr) upstream_->Abort();
}

// --- small parts

io::Task<bool> Session::Say(std::string_view line) {
  if (line.empty()) co_return !ended_;
  io::Deadline deadline(proactor_, settings_->timeouts.client_write_stall, *client_);
  const io::Result<> said = co_await client_->Write(line);
  if (said) {
    record_.bytes_to_client += line.size();
    co_return true;
  }
  abrupt_ = true;
  End(deadline.expired() ? EndReason::kClientWriteStall : EndReason::kClientReset);
  co_return false;
}

void Session::End(EndReason reason) {
  if (std::exchange(ended_, true)) return;
  const bool left = reason == EndReason::kQuit || SideOf(reason) == Side::kClient;
  record_.reason =
      left && !record_.logged_in && node_was_unavailable_ ? EndReason::kNodeUnavailable : reason;
}

// An upstream connection that will not be used (any more). Politely only before a session was
// relayed over it: QUIT commits deletes.
void Session::GiveUpUpstream(bool politely) {
  if (std::exchange(counted_on_node_, false)) environment_.meter.NodeSessionEnded(lease_.node());
  if (upstream_ == nullptr) return;
  if (politely) {
    environment_.scope.Spawn(RetireConnection(settings_, std::move(upstream_)));
  } else {
    upstream_.reset();
  }
}

void Session::NoteStages() {
  const upstream::StageDurations& stages = upstream_->durations();
  record_.connect = stages.connect;
  record_.node_tls = stages.tls;
  record_.greeting = stages.greeting;
  record_.authentication = stages.authentication;
}

// No node took the login, for no fault of the client's: it may try again on the same connection.
io::Task<Session::LoginStep> Session::Unavailable(LoginResult result,
                                                  const upstream::NodeError& error) {
  const io::Duration took = proactor_.Now() - login_begun_;
  record_.login = took;
  record_.failure = std::string(Name(error.failure)) + ": " + error.detail;
  node_was_unavailable_ = true;
  environment_.meter.LoginEnded(result, record_, took);
  co_await Say(pop3::kReplyTemporary);
  co_return LoginStep::kUnavailable;
}

const upstream::Endpoint& Session::EndpointOf(balancer::NodeId node) const {
  return settings_->endpoints[static_cast<size_t>(node)];
}

}  // namespace poplar::session
