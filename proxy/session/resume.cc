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

// Between the two parts of a sealed credential: neither may contain it.
constexpr std::string_view kSeparator("\0", 1);

}  // namespace

tls::SealedSecret SealCredential(const tls::Sealer& sealer, std::string_view name,
                                 const pop3::Secret& password) {
  const auto both = pop3::Secret::Join({name, kSeparator, password.Expose()});
  return sealer.Seal(both.Expose());
}

Resume::Resume(Environment& environment, const Settings& settings, const Request& request,
               Patience& patience)
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
  std::string name;
  pop3::Secret password;
  environment_.sealer.Open(request_.credential, [&](std::string_view both) {
    const size_t separator = both.find(kSeparator);
    name = both.substr(0, separator);
    password = pop3::Secret(both.substr(separator + 1));
  });
  Login login(environment_, settings_,
              {request_.cluster, request_.user, name, password, request_.deadline, true}, patience_,
              scratch_);
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
      break;
  }
  co_return std::nullopt;
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
    const bool pipelining = request_.cluster.offered.replies()->pipelining;
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
