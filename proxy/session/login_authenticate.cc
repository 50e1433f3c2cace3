// A login from a connection that is ready to the node's word.
#include <utility>

#include "proxy/pop3/login_way.h"
#include "proxy/pop3/reply.h"
#include "proxy/session/login.h"

namespace poplar::session {
namespace {

using balancer::Evidence;
using upstream::LoginAnswer;
using upstream::NodeError;
using upstream::NodeFailure;

// Nodes and what is in between end connections that lie idle. One that was greeted so short a while
// ago is no likelier dead than one that has just been opened.
constexpr io::Duration kFresh = std::chrono::seconds(1);

// Whether a node that closes on it says nothing of itself by that. Every server takes 255 bytes
// (RFC 2449 section 4), of which BASE64 and the command leave about this; from some length on many
// close, and have no word for it (GNU mailutils at 900 bytes, Dovecot at 8 KiB). Strangers could
// have healthy nodes taken out with nothing but long passwords.
bool IsHeavy(const pop3::Credential& credential) {
  constexpr size_t kAllTakeBytes = 160;
  const pop3::SaslIdentity& who = credential.identity;
  const size_t bytes = who.user.size() + who.authorization.size() + who.secret.Expose().size() +
                       credential.first_message.Expose().size();
  return bytes > kAllTakeBytes;
}

}  // namespace

io::Task<Login::Step> Login::Authenticate() {
  NodeError error = co_await LearnCapabilities();
  if (error.failure != NodeFailure::kNone) co_return co_await OnFailure(std::move(error));
  const auto offered = cluster().offered.Of(node_);
  const auto said = cluster().terms();
  const bool idle = source_ == LeaseSource::kWarm && Now() - session_.connection->opened() > kFresh;
  const upstream::LoginTerms terms{.offered = offered.get(),
                                   .master = &said->master,
                                   .origin = request_.origin,
                                   .challenger = request_.challenger,
                                   .careful = idle};
  auto answer = co_await session_.connection->LogIn(credential(), terms);
  NoteStages();
  if (!answer) co_return co_await OnFailure(std::move(answer.error()));
  co_return OnAnswer(std::move(*answer));
}

// Where the way depends on what the node offers and nobody has asked it: without probes, or before
// the first one. And again where the last answer would refuse the client, if nobody else asks.
io::Task<NodeError> Login::LearnCapabilities() {
  using Kind = pop3::LoginWay::Kind;
  upstream::Cluster& here = cluster();
  if (!pop3::NeedsCapabilities(credential())) co_return NodeError{};
  if (const auto offered = here.offered.Of(node_)) {
    const auto said = here.terms();
    const bool probed = said->probe.enabled && said->probe.level >= balancer::ProbeLevel::kCapa;
    if (probed) co_return NodeError{};
    const auto way = pop3::ChooseWay(credential(), offered.get(), said->master);
    if (way.kind != Kind::kImpossible) co_return NodeError{};
  }
  const auto reply = co_await session_.connection->AskCapabilities();
  if (!reply) co_return reply.error();
  (void)here.offered.Learn(
      node_, reply->starts_with('+') ? pop3::Capabilities(*reply) : pop3::WithoutCapa());
  co_return NodeError{};
}

io::Task<Login::Step> Login::OnFailure(NodeError error) {
  const upstream::Connection& connection = *session_.connection;
  const bool asked = connection.client_asked();
  // A node that has just greeted and then fails at the login does so for this user's sake. A warm
  // connection may have been dead all along.
  if (source_ == LeaseSource::kWarm && !connection.password_sent()) {
    // Nodes end warm connections as they like; that is no sign of trouble.
    const bool stale =
        error.failure == NodeFailure::kClosed || error.failure == NodeFailure::kReset;
    if (!stale || late_ || aborted_)
      co_return co_await AfterUnreachable(std::move(error), Evidence::kLoginFailed);
    GiveUpConnection(false);
    session_.lease.Release();
    co_return Step::kAgain;
  }
  GiveUpConnection(false);
  if (aborted_) co_return TooLate();
  const bool gone = error.failure == NodeFailure::kClosed || error.failure == NodeFailure::kReset;
  const bool choked = gone && IsHeavy(credential());
  // What is left of the login's time may be too little for any node: its client took the rest.
  if (!late_) {
    environment_.meter.NodeFailed(node_, error.failure);
    if (!choked) TellHealth(Evidence::kLoginFailed, Name(error.failure));
  }
  const bool timeout = late_ || error.failure == NodeFailure::kResponseTimeout;
  (void)Unavailable(timeout ? LoginResult::kTimeout : LoginResult::kBackendError, error.Text());
  co_return late_ || asked || choked ? Step::kEnd : Step::kRetryLost;
}

Login::Step Login::OnAnswer(LoginAnswer answer) {
  switch (answer.verdict) {
    case LoginAnswer::Verdict::kAccepted:
      session_.logged_in = Now();
      TellHealth(Evidence::kServed, {});
      return Counts() ? LoggedIn(std::move(answer.line)) : OnOneTooMany();
    case LoginAnswer::Verdict::kRefused:
      return OnRefusal(std::move(answer.line));
    case LoginAnswer::Verdict::kModeRefused:
      return OnMismatch(answer.why, pop3::kReplyTemporary);
    case LoginAnswer::Verdict::kImpossible:
      return OnMismatch(answer.why, pop3::kReplyMechanismUnavailable);
    case LoginAnswer::Verdict::kClientGone:
      break;
  }
  GiveUpConnection(false);
  if (late_ || aborted_) return TooLate();
  if (record_.failure.empty()) record_.failure = "no answer to the node's question";
  outcome_ = Outcome::kClientLeft;
  return Step::kEnd;
}

Login::Step Login::LoggedIn(std::string line) {
  CountForPenalty(true);
  record_.failure.clear();
  answer_ = std::move(line);
  result_ = LoginResult::kOk;
  outcome_ = Outcome::kLoggedIn;
  if (source_ != LeaseSource::kParked)
    environment_.meter.NodeLoggedIn(node_, record_.authentication);
  if (turn_ && !request_.resumes && where_.cluster != said_.cluster)
    ++settings_.moves->counts(turn_->move).landed;
  return Step::kEnd;
}

// The node's word goes to the client as it is.
Login::Step Login::OnRefusal(std::string line) {
  const bool asked = session_.connection->client_asked();
  // Without its line end: that is no part of the answer's words.
  record_.failure = line.substr(0, line.find_last_not_of("\r\n") + 1);
  answer_ = std::move(line);
  GiveUpConnection(true);
  const auto reply = pop3::ParseReply(record_.failure);
  const pop3::ResponseCode code = reply ? reply->code : pop3::ResponseCode::kNone;
  const bool trouble = code == pop3::ResponseCode::kSysTemp || code == pop3::ResponseCode::kSysPerm;
  TellHealth(trouble ? Evidence::kLoginFailed : Evidence::kServed, record_.failure);
  result_ = LoginResult::kBackendError;
  outcome_ = Outcome::kUnavailable;
  retry_reason_ = RetryReason::kInUse;
  if (code == pop3::ResponseCode::kInUse) return asked ? Step::kEnd : Step::kRetryInUse;
  // No guess at a password is what these say; a code that we don't know may be one.
  if (code == pop3::ResponseCode::kSysTemp) return asked ? Step::kEnd : Step::kRetryLost;
  if (trouble || code == pop3::ResponseCode::kLoginDelay) return Step::kEnd;
  CountForPenalty(false);
  result_ = LoginResult::kRejected;
  outcome_ = Outcome::kRefused;
  return Step::kEnd;
}

// The node works, but not for this client's way of coming: no guess, and no fault of its health.
Login::Step Login::OnMismatch(std::string_view why, std::string_view answer) {
  GiveUpConnection(true);
  (void)Unavailable(LoginResult::kBackendError, "not_offered: " + std::string(why));
  answer_ = answer;
  return Step::kEnd;
}

}  // namespace poplar::session
