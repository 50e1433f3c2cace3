#include "proxy/session/resume.h"

#include <algorithm>
#include <string>
#include <utility>

#include "proxy/pop3/uidl_reader.h"

namespace poplar::session {
namespace {

// Between tries; doubles.
constexpr io::Duration kFirstPause = std::chrono::milliseconds(50);
constexpr io::Duration kLongestPause = std::chrono::seconds(1);
// Trouble of a node's is often over soon, or found out by its health.
constexpr io::Duration kTroublePause = std::chrono::seconds(1);

// Between the parts of a sealed credential: none but the last, the secret, may contain it.
constexpr std::string_view kSeparator("\0", 1);
constexpr char kUserAndPass = '-';

char MechanismMark(const pop3::Credential& credential) {
  return credential.mechanism ? static_cast<char>('a' + static_cast<int>(*credential.mechanism))
                              : kUserAndPass;
}

std::string_view TakePart(std::string_view* rest) {
  const std::string_view part = rest->substr(0, rest->find(kSeparator));
  rest->remove_prefix(part.size() + 1);
  return part;
}

pop3::Credential Unpack(std::string_view packed) {
  pop3::Credential credential;
  if (packed[0] != kUserAndPass) credential.mechanism = pop3::Mechanism(packed[0] - 'a');
  credential.utf8 = packed[1] == 'u';
  packed.remove_prefix(2);
  credential.language = TakePart(&packed);
  credential.identity.user = TakePart(&packed);
  credential.identity.authorization = TakePart(&packed);
  credential.identity.secret = pop3::Secret(packed);
  return credential;
}

}  // namespace

tls::SealedSecret SealCredential(const tls::Sealer& sealer, const pop3::Credential& credential) {
  if (credential.proof() == pop3::Proof::kScram) return {};
  const char marks[] = {MechanismMark(credential), credential.utf8 ? 'u' : '-'};
  const pop3::SaslIdentity& who = credential.identity;
  const auto packed =
      pop3::Secret::Join({std::string_view(marks, 2), credential.language, kSeparator, who.user,
                          kSeparator, who.authorization, kSeparator, who.secret.Expose()});
  return sealer.Seal(packed.Expose());
}

Resume::Resume(Environment& environment, const std::shared_ptr<const Settings>& settings,
               const Request& request, Patience& patience)
    : environment_(environment),
      settings_(settings),
      request_(request),
      patience_(patience),
      deadline_(
          environment.proactor.timers(),
          [](void* context) {
            auto* self = static_cast<Resume*>(context);
            self->late_ = true;
            if (self->session_.connection != nullptr) self->session_.connection->Expire();
          },
          this) {}

io::Task<ResumeResult> Resume::Run() {
  deadline_.Arm(request_.deadline);
  std::optional<ResumeResult> result = co_await Pause(request_.pause);
  for (io::Duration pause = kFirstPause; !result; pause = std::min(2 * pause, kLongestPause)) {
    result = co_await Try();
    if (result) break;
    // The lease goes last.
    session_.connection.reset();
    session_.lease.Release();
    result = co_await Pause(pause);
  }
  deadline_.Disarm();
  if (*result != ResumeResult::kResumed) {
    session_.connection.reset();
    session_.lease.Release();
  }
  co_return *result;
}

io::Task<std::optional<ResumeResult>> Resume::Pause(io::Duration pause) {
  if (pause == io::Duration::zero()) co_return std::nullopt;
  const io::Time next = environment_.proactor.Now() + pause;
  const Patience::Wake wake = co_await patience_.Until(std::min(next, request_.deadline));
  if (wake == Patience::Wake::kEnded) co_return ResumeResult::kEnded;
  co_return std::nullopt;
}

io::Duration PauseAfter(EndReason loss, int losses) {
  const io::Duration again =
      losses < 2 ? io::Duration::zero()
                 : std::min(kFirstPause * (int64_t{1} << std::min(losses - 2, 10)), kLongestPause);
  return loss == EndReason::kNodeTrouble ? std::max(again, kTroublePause) : again;
}

// Nothing: it is to be tried again.
io::Task<std::optional<ResumeResult>> Resume::Try() {
  std::optional<ResumeResult> result;
  if (!over()) result = co_await LogIn();
  if (!over() && result == ResumeResult::kResumed) result = co_await FindMessages();
  if (result && *result != ResumeResult::kResumed) co_return result;
  if (aborted_) co_return ResumeResult::kEnded;
  if (late_) co_return ResumeResult::kDeadline;
  co_return result;
}

io::Task<std::optional<ResumeResult>> Resume::LogIn() {
  pop3::Credential credential;
  environment_.sealer.Open(request_.credential,
                           [&](std::string_view packed) { credential = Unpack(packed); });
  const std::shared_ptr<const Settings> newest = Newest(environment_, settings_);
  Login login(environment_, *newest,
              {.where = Where(*newest),
               .user = request_.user,
               .credential = credential,
               .deadline = request_.deadline,
               .resumes = true,
               .origin = request_.origin,
               .turn = TurnBy(*newest),
               .tracing = request_.tracing},
              patience_, scratch_);
  login_ = &login;
  const Login::Outcome outcome = co_await login.Run();
  login_ = nullptr;
  switch (outcome) {
    case Login::Outcome::kLoggedIn:
      session_ = std::move(login.session());
      node_ = login.node_id();
      co_return ResumeResult::kResumed;
    case Login::Outcome::kRefused:
      co_return ResumeResult::kRefused;
    case Login::Outcome::kClientLeft:  // nobody looks
    case Login::Outcome::kUnavailable:
      if (login.moved_away()) co_return ResumeResult::kMoved;
      break;
  }
  co_return std::nullopt;
}

// The user's own node may be gone, and another may have its number; the others serve its users too,
// or the session couldn't be resumed.
Whereabouts Resume::Where(const Settings& settings) const {
  Whereabouts where = request_.where;
  if (!where.node) return where;
  const balancer::Node* own = settings.nodes->FindNode(*where.node);
  if (own == nullptr || own->name != request_.own_node) where.node.reset();
  return where;
}

// The list of moves may be another than at the session's login.
std::optional<balancer::Moves::Turn> Resume::TurnBy(const Settings& settings) const {
  if (!request_.turn || settings.moves == nullptr) return std::nullopt;
  return settings.moves->TurnAs(*request_.moves, *request_.turn);
}

// The client's view in the new session, and the client's marks on it.
io::Task<std::optional<ResumeResult>> Resume::FindMessages() {
  if (!request_.relay.needs_listing()) co_return ResumeResult::kResumed;
  upstream::Connection& connection = *session_.connection;
  pop3::UidlReader listing(environment_.listing_key);
  const auto listed = co_await connection.AskListing(listing);
  if (listed && (!*listed || !listing.valid())) co_return ResumeResult::kNoView;
  const Relay::Fit fit = listed ? request_.relay.Refit(listing.hashes()) : Relay::Fit::kFits;
  if (fit == Relay::Fit::kDifferent) co_return ResumeResult::kDifferent;
  if (fit == Relay::Fit::kEmpty) co_return std::nullopt;
  upstream::NodeError error = listed ? upstream::NodeError{} : listed.error();
  if (listed) {
    const bool pipelining = request_.cluster.offered.common()->pipelining;
    error = co_await connection.Delete(request_.relay.MarksAtNode(), pipelining);
  }
  if (error.failure == upstream::NodeFailure::kNone) co_return ResumeResult::kResumed;
  if (!over()) TellHealth(error.failure);
  co_return std::nullopt;
}

void Resume::TellHealth(upstream::NodeFailure failure) {
  const auto transition = request_.cluster.health.OnEvidence(
      node_, balancer::Evidence::kSessionLost, upstream::Name(failure),
      environment_.proactor.Now().time_since_epoch(), request_.user.Hash());
  if (transition) environment_.observer.NodeChanged(*transition);
}

void Resume::Abort() {
  aborted_ = true;
  patience_.End();
  if (login_ != nullptr) login_->Abort();
  if (session_.connection != nullptr) session_.connection->Abort();
}

}  // namespace poplar::session
