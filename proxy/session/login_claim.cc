// A user is on one node at a time over all replicas: the first session of a user's here asks, ahead
// of the credentials, whether that node may be this one.
#include "proxy/session/login.h"

namespace poplar::session {
namespace {

using Kind = shared_state::ClaimAnswer::Kind;

// Until another replica's session of the user has ended, or can be followed.
constexpr io::Duration kElsewherePause = std::chrono::milliseconds(100);

}  // namespace

// Bound, so that no other login here moves the user meanwhile.
io::Task<Login::Step> Login::Claim() {
  if (environment_.claims == nullptr || !session_.lease) co_return Step::kGoOn;
  const balancer::Affinity::Lease::Stay stay = session_.lease.stay();
  // Where sessions are counted each login has to know how many there are.
  if (stay.settled && cluster().login.user_sessions_max == 0) co_return Step::kGoOn;
  const shared_state::ClaimAnswer answer =
      co_await environment_.claims->Ask({where_.cluster, request_.user.text(), node_, stay.number});
  if (late_ || aborted_) {
    GiveUpConnection(true);
    session_.lease.Release();
    co_return TooLate();
  }
  sessions_elsewhere_ = answer.sessions;
  if (answer.kind != Kind::kGranted && answer.kind != Kind::kAlone)
    co_return co_await LetGo(answer);
  elsewhere_.reset();
  session_.lease.Settle();
  co_return Step::kGoOn;
}

io::Task<Login::Step> Login::LetGo(const shared_state::ClaimAnswer& answer) {
  GiveUpConnection(true);
  session_.lease.Release();
  elsewhere_ = answer.node;
  if (elsewhere_) co_return Step::kAgain;
  record_.failure = answer.kind == Kind::kLater
                        ? "shared_state_young: other replicas have yet to say where users are"
                        : "elsewhere: a session on another replica holds the user on a node that "
                          "isn't known here";
  co_return co_await AwaitElsewhere();
}

// False: it can't be followed there, at least not now.
bool Login::FollowElsewhere() {
  const balancer::NodeId wanted = *elsewhere_;
  record_.failure = "elsewhere: a session on another replica holds the user on another node";
  if (settings_.nodes->FindNode(wanted) == nullptr || !cluster().health.Serves(wanted))
    return false;
  if (!session_.lease)
    session_.lease = environment_.affinity.Acquire(cluster().id, request_.user, wanted);
  // A session here holds the user as well: one of the two is about to give way.
  if (session_.lease.node() != wanted && !session_.lease.Move(wanted)) return false;
  if (session_.lease.node() != wanted) return false;
  node_ = wanted;
  misplaced_ = false;
  record_.node = node().endpoint()->name;
  return true;
}

io::Task<Login::Step> Login::AwaitElsewhere() {
  return Pause(Now() + kElsewherePause, RetryReason::kElsewhere);
}

}  // namespace poplar::session
