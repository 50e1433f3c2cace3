// Who has a say, ahead of the credentials, in where the user may be: the process that has taken
// over from this one, and the other replicas.
#include <algorithm>
#include <memory>

#include "proxy/session/login.h"

namespace poplar::session {
namespace {

using Claimed = shared_state::ClaimAnswer::Kind;

// Another login of the user may move it meanwhile, so that it has to be asked for anew; and what
// the answer says may be nothing that we know.
constexpr int kSuccessorAskedMax = 8;
constexpr io::Duration kSuccessorPatience = std::chrono::seconds(5);

// Outlives a login that leaves before the answer.
struct Asked {
  Patience* waiting = nullptr;
  bool answered = false;
};

}  // namespace

// --- the process that has taken over

// Ends as Bind does.
io::Task<Login::Step> Login::AskSuccessor() {
  if (environment_.successor == nullptr || ++successor_asked_ > kSuccessorAskedMax) {
    GiveUpConnection(true);
    co_return Unavailable(LoginResult::kBackendUnavailable,
                          "the process that has taken over has the user elsewhere");
  }
  const auto asked = std::make_shared<Asked>();
  asked->waiting = &patience_;
  environment_.successor->Claim(where_.cluster, request_.user, node_, environment_.proactor,
                                [asked] {
                                  asked->answered = true;
                                  if (asked->waiting != nullptr) asked->waiting->Signal();
                                });
  const io::Time until = std::min(Now() + kSuccessorPatience, request_.deadline);
  auto wake = Patience::Wake::kSignal;
  while (!asked->answered && wake == Patience::Wake::kSignal)
    wake = co_await patience_.Until(until);
  asked->waiting = nullptr;
  if (asked->answered) co_return Bind();
  GiveUpConnection(true);
  if (wake != Patience::Wake::kTime) co_return OnWake(wake);
  co_return Unavailable(LoginResult::kTimeout, "the process that has taken over does not answer");
}

// --- the other replicas

// A connection to the node would only be given back: no session of the user is here to follow, and
// nobody can be asked for a moment.
bool Login::AwaitsClaims() const {
  return environment_.claims != nullptr && session_.lease && !session_.lease.held() &&
         environment_.claims->Awaited();
}

// The first session of the user's here asks whether the node may be this one. Bound, so that no
// other login here moves the user meanwhile.
io::Task<Login::Step> Login::Claim() {
  if (environment_.claims == nullptr || !session_.lease) co_return Step::kGoOn;
  const balancer::Affinity::Lease::Stay stay = session_.lease.stay();
  // Where sessions are counted each login has to know how many there are.
  if (stay.settled && cluster().terms()->login.user_sessions_max == 0) co_return Step::kGoOn;
  const shared_state::ClaimAnswer answer =
      co_await environment_.claims->Ask({where_.cluster, request_.user.text(), node_, stay.number});
  if (late_ || aborted_) {
    GiveUpConnection(true);
    session_.lease.Release();
    co_return TooLate();
  }
  sessions_elsewhere_ = answer.sessions;
  if (answer.kind != Claimed::kGranted && answer.kind != Claimed::kAlone)
    co_return co_await LetGo(answer);
  elsewhere_.reset();
  session_.lease.Settle();
  co_return Step::kGoOn;
}

// With the lease goes what the successor has said of it.
io::Task<Login::Step> Login::LetGo(const shared_state::ClaimAnswer& answer) {
  GiveUpConnection(true);
  session_.lease.Release();
  successor_asked_ = 0;
  elsewhere_ = answer.node;
  if (elsewhere_) co_return Step::kAgain;
  record_.failure = answer.kind == Claimed::kLater
                        ? "shared_state_awaited: other replicas can't say yet where the user is"
                        : "elsewhere: a session on another replica holds the user on a node that "
                          "isn't known here";
  co_return co_await AwaitElsewhere(answer.after);
}

// False: it can't be followed there, at least not now; then nothing of this login is in the way of
// whoever gives way.
bool Login::FollowElsewhere() {
  const balancer::NodeId wanted = *elsewhere_;
  record_.failure = "elsewhere: a session on another replica holds the user on another node";
  if (settings_.nodes->FindNode(wanted) == nullptr || !cluster().health.Serves(wanted))
    return false;
  if (!session_.lease)
    session_.lease = environment_.affinity.Acquire(cluster().id, request_.user, wanted);
  // A session here may hold the user as well: one of the two is about to give way.
  if (session_.lease.node() != wanted) (void)session_.lease.Move(wanted);
  if (session_.lease.node() != wanted) {
    session_.lease.Release();
    successor_asked_ = 0;
    return false;
  }
  node_ = wanted;
  misplaced_ = false;
  record_.node = node().endpoint()->name;
  return true;
}

io::Task<Login::Step> Login::AwaitElsewhere(io::Duration pause) {
  return Pause(Now() + pause, RetryReason::kElsewhere);
}

}  // namespace poplar::session
