// What a login does when a try has failed.
#include <algorithm>

#include "proxy/pop3/reply.h"
#include "proxy/session/login.h"

namespace poplar::session {
namespace {

using balancer::Choice;
using balancer::Evidence;
using upstream::NodeError;
using upstream::NodeFailure;

// Between tries to reach a node that nothing else is known to be wrong with.
constexpr io::Duration kFirstBackoff = std::chrono::milliseconds(100);
constexpr io::Duration kLongestBackoff = std::chrono::seconds(1);

// Doubles with each try; spread over +-20 %, so that logins which failed together don't come again
// together.
io::Duration Backoff(io::Duration first, io::Duration longest, int tries, io::Random& random) {
  const io::Duration step = std::min(longest, first * (int64_t{1} << std::min(tries, 20)));
  return step * static_cast<int64_t>(800 + random.Next() % 401) / 1000;
}

}  // namespace

// Before the password was sent: the next allowed node, or the same one a little later.
io::Task<Login::Step> Login::AfterUnreachable(NodeError error, Evidence evidence) {
  GiveUpConnection(false);
  const bool held = session_.lease && session_.lease.held();
  if (session_.lease.bound()) session_.lease.Release();
  if (late_ || aborted_) {
    if (record_.failure.empty()) record_.failure = error.Text();
    co_return TooLate();
  }
  record_.failure = error.Text();
  if (error.failure == NodeFailure::kNoDescriptor) {
    co_return Unavailable(LoginResult::kBackendUnavailable, record_.failure);
  }
  environment_.meter.NodeFailed(node_, error.failure);
  TellHealth(evidence, Name(error.failure));
  tried_.push_back(node_);
  Choice next = cluster().health.Choose(order_, user_hash_, tried_, Moment());
  // Each node in service was asked in vain: all of them once more, a little later. Not in panic,
  // where they are in service for want of better ones.
  const bool around = next.kind == Choice::Kind::kNone && !cluster().health.panicking(Moment());
  if (around) {
    tried_.clear();
    next = cluster().health.Choose(order_, user_hash_, tried_, Moment());
  }
  const bool elsewhere = next.kind != Choice::Kind::kGo || next.node != node_;
  const bool at_once = !around || next.kind == Choice::Kind::kNone;
  if (elsewhere && at_once && !held) co_return Step::kAgain;
  const io::Duration pause =
      Backoff(kFirstBackoff, kLongestBackoff, failures_++, environment_.proactor.random());
  co_return co_await Pause(Now() + pause, RetryReason::kUnreachable);
}

io::Task<Login::Step> Login::RetryInUse() {
  session_.lease.Release();
  result_ = LoginResult::kBackendError;
  outcome_ = Outcome::kUnavailable;
  const upstream::LoginRules rules = cluster().terms()->login;
  // A node that we lost may hold its lock on the maildrop for as long as it takes it to notice.
  if (in_use_tries_ == rules.in_use_retries && !request_.resumes) co_return Step::kEnd;
  const io::Duration pause = Backoff(rules.in_use_backoff, std::chrono::seconds(5), in_use_tries_++,
                                     environment_.proactor.random());
  if (Now() + pause >= request_.deadline) co_return Step::kEnd;
  co_return co_await Pause(Now() + pause, retry_reason_);
}

// The password may have been counted, and nothing more: where sessions outlive their node's death,
// so do logins.
io::Task<Login::Step> Login::RetryLost() {
  constexpr int kTries = 3;
  session_.lease.Release();
  if (!cluster().resumes() || lost_tries_ == kTries) co_return Step::kEnd;
  const io::Duration pause =
      Backoff(kFirstBackoff, kLongestBackoff, lost_tries_++, environment_.proactor.random());
  if (Now() + pause >= request_.deadline) co_return Step::kEnd;
  co_return co_await Pause(Now() + pause, RetryReason::kAnswerLost);
}

io::Task<Login::Step> Login::Pause(io::Time until, RetryReason reason) {
  environment_.meter.LoginRetried(reason);
  co_return OnWake(co_await patience_.Until(std::min(until, request_.deadline)));
}

Login::Step Login::OnWake(Patience::Wake wake) {
  switch (wake) {
    case Patience::Wake::kTime:
    case Patience::Wake::kSignal:
      return Step::kAgain;
    case Patience::Wake::kClientLeft:
      outcome_ = Outcome::kClientLeft;
      return Step::kEnd;
    case Patience::Wake::kEnded:
      return Unavailable(LoginResult::kBackendUnavailable, record_.failure);
  }
  return Step::kEnd;
}

Login::Step Login::TooLate() {
  if (record_.failure.empty()) record_.failure = "login_timeout: not done in time";
  return Unavailable(LoginResult::kTimeout, record_.failure);
}

Login::Step Login::Unavailable(LoginResult result, std::string_view failure) {
  record_.failure = failure;
  answer_ = pop3::kReplyTemporary;
  result_ = result;
  outcome_ = Outcome::kUnavailable;
  return Step::kEnd;
}

}  // namespace poplar::session
