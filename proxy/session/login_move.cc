// Users who are being moved from one cluster to another: where a login goes, and for what it waits.
#include <algorithm>

#include "proxy/session/login.h"
#include "proxy/session/parked_elsewhere.h"

namespace poplar::session {
namespace {

// At the user's sessions in the other cluster, which end as fast as their clients' commands do.
constexpr io::Duration kLookInterval = std::chrono::milliseconds(100);

// Counts a login that waits.
class Waiting {
 public:
  explicit Waiting(std::atomic<int64_t>& count) : count_(count) { ++count_; }
  ~Waiting() { --count_; }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  std::atomic<int64_t>& count_;
};

}  // namespace

// Before each choice of a node: to the cluster where the user's move has it now, once no session of
// the user is left in the other one.
io::Task<Login::Step> Login::Enter() {
  if (!turn_) co_return Step::kGoOn;
  const balancer::Moves& moves = *settings_.moves;
  std::optional<Waiting> waiting;
  for (;;) {
    if (late_ || aborted_) co_return TooLate();
    const balancer::ClusterId place = moves.ClusterOf(*turn_);
    if (place != where_.cluster) {
      session_.lease.Release();
      moved_away_ = request_.resumes;
      if (moved_away_) co_return Unavailable(LoginResult::kBackendUnavailable, "moved: elsewhere");
      if (GoTo(place) == Step::kEnd) co_return Step::kEnd;
    }
    if (MayEnter()) break;
    session_.lease.Release();
    if (!enters_until_)
      enters_until_ = std::min(Now() + settings_.timeouts.move_wait, request_.deadline);
    if (Now() >= *enters_until_) co_return TooManyElsewhere();
    if (!waiting) waiting.emplace(moves.counts(turn_->move).waiting);
    record_.move = moves.rule(turn_->move).name;
    EndParked(environment_, settings_, moves.OtherOf(*turn_, where_.cluster), request_.user);
    const io::Time look = std::min(Now() + kLookInterval, *enters_until_);
    const Step step = OnWake(co_await patience_.Until(look));
    if (step == Step::kEnd) co_return step;
  }
  co_return Step::kGoOn;
}

// The order of the two is what keeps users whole: balancer/moves.h.
bool Login::MayEnter() {
  if (cluster().rules.affinity && !session_.lease)
    session_.lease = environment_.affinity.Acquire(where_.cluster, request_.user, order_.front());
  return settings_.moves->MayEnter(environment_.affinity, request_.user, *turn_, where_.cluster);
}

Login::Step Login::TooManyElsewhere() {
  ++settings_.moves->counts(turn_->move).waited_too_long;
  return Unavailable(LoginResult::kBackendUnavailable,
                     "move_wait: a session of the user still lives where the user was");
}

// Whether the user is still meant to be where this login is about to go.
bool Login::InPlace() const {
  return !turn_ || settings_.moves->ClusterOf(*turn_) == where_.cluster;
}

}  // namespace poplar::session
