// What earlier wrong passwords of the client's address cost a login.
#include <algorithm>
#include <cstring>

#include "proxy/pop3/reply.h"
#include "proxy/session/login.h"

namespace poplar::session {

// Before anything is taken of a node's. The session of a client that was logged in already has
// paid.
io::Task<Login::Step> Login::SitOutPenalty() {
  if (request_.resumes) co_return Step::kAgain;
  record_.delayed.reset();
  const admission::LoginPenalty::Wait wait = environment_.admission.penalty.Before(
      settings_.admission.penalty, record_.client, request_.user.text(), Now());
  if (wait.refused()) {
    record_.failure = "too_many_guesses: too many logins of this address wait";
    answer_ = pop3::kReplyTooManyGuesses;
    result_ = LoginResult::kThrottled;
    outcome_ = Outcome::kUnavailable;
    co_return Step::kEnd;
  }
  if (wait.delay() == io::Duration::zero()) co_return Step::kAgain;
  record_.delayed = io::Brief(wait.delay());
  environment_.meter.LoginDelayed(wait.delay());
  const io::Time begun = Now();
  const io::Time until = std::min(begun + wait.delay(), request_.deadline);
  Step step = Step::kAgain;
  while (step == Step::kAgain && Now() < until) step = OnWake(co_await patience_.Until(until));
  sat_out_ = Now() - begun;
  co_return step;
}

// A node has spoken on the credential itself.
void Login::CountForPenalty(bool accepted) {
  if (request_.resumes) return;
  admission::LoginPenalty& penalty = environment_.admission.penalty;
  const admission::PenaltyRules& rules = settings_.admission.penalty;
  const std::string& user = request_.user.text();
  if (accepted) return penalty.Succeeded(rules, record_.client, user, Now());
  std::optional<uint64_t> secret;
  if (request_.credential.proof() != pop3::Proof::kScram) {
    uint64_t digest = 0;
    std::memcpy(&digest, session_.digest.bytes.data(), sizeof digest);
    secret = digest;
  }
  penalty.Rejected(rules, record_.client, user, secret, Now());
}

}  // namespace poplar::session
