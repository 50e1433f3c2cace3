// The pool against a model of its rules that is too simple to be wrong: lists, searched from end to
// end, and no lock. Every step of a long random run must agree in whom it serves, with what, in
// which order, and in what it hands out to be ended.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>

#include "tests/unit/balancer/pool_doubles.h"

namespace poplar::balancer {
namespace {

constexpr ClusterId kMain{0};
constexpr int kUsers = 6;
using Numbers = std::vector<int>;

struct Served {
  int waiter;
  int connection;  // -1: a slot

  friend bool operator==(const Served&, const Served&) = default;
};

class Model {
 public:
  struct Parked {
    int user;
    int connection;
    Moment logged_in;
    int arrival;  // of two of one age the one that came first is older
  };
  struct Warm {
    int connection;
    Moment expires;
  };

  // Whether the login is served at once; `ended`: what gives way.
  bool Login(int waiter, Numbers& ended) {
    if (!warm.empty()) {
      served.push_back({waiter, warm.front().connection});
      warm.erase(warm.begin());
      return true;
    }
    if (Free()) {
      ++in_use;
      served.push_back({waiter, -1});
      return true;
    }
    queue.push_back(waiter);
    if (ending < Owed() && !parked.empty()) End(TakeOldest(), ended);
    return false;
  }

  bool Withdraw(int waiter) { return std::erase(queue, waiter) == 1; }

  void SlotBack(bool was_ending) {
    --in_use;
    if (was_ending) --ending;
    Serve();
  }

  void Park(Parked session, Moment now, Numbers& ended) {
    session.arrival = ++arrivals_;
    if (!open || !queue.empty() || Over() > 0 || limits.parked == 0 ||
        limits.max_snapshot_age == Duration::zero() || TooOld(session, now)) {
      return End(session.connection, ended);
    }
    const auto same = std::find_if(parked.begin(), parked.end(),
                                   [&](const Parked& each) { return each.user == session.user; });
    if (same == parked.end()) {
      parked.push_back(session);
    } else if (session.logged_in < same->logged_in) {
      End(session.connection, ended);
    } else {
      End(same->connection, ended);
      parked.erase(same);
      parked.push_back(session);
    }
    if (parked.size() > limits.parked) End(TakeOldest(), ended);
  }

  int TakeParked(int user) {
    for (const Parked& each : parked) {
      if (each.user == user) return Remove(each.connection);
    }
    return -1;
  }

  bool SlotForWarm() {
    if (!open || !queue.empty() || !Free()) return false;
    ++in_use;
    return true;
  }

  void AddWarm(int connection, Moment expires, Numbers& ended) {
    if (!queue.empty()) {
      served.push_back({queue.front(), connection});
      queue.erase(queue.begin());
    } else if (open && Over() == 0 && warm.size() < limits.warm) {
      warm.push_back({connection, expires});
    } else {
      End(connection, ended);
    }
  }

  void Sweep(Moment now, Numbers& ended) {
    for (size_t i = 0; i < warm.size();) {
      if (warm[i].expires > now) {
        ++i;
        continue;
      }
      End(warm[i].connection, ended);
      warm.erase(warm.begin() + static_cast<std::ptrdiff_t>(i));
    }
    while (!parked.empty() &&
           (TooOld(*Oldest(), now) || parked.size() > limits.parked || ending < Owed())) {
      End(TakeOldest(), ended);
    }
    while (!warm.empty() && (warm.size() > limits.warm || ending < Owed())) {
      SurplusWarm(static_cast<uint32_t>(warm.size()) - 1, ended);
    }
  }

  void AllIdle(Numbers& ended) {
    while (!parked.empty()) End(TakeOldest(), ended);
    SurplusWarm(0, ended);
  }

  void SurplusWarm(uint32_t keep, Numbers& ended) {
    while (warm.size() > keep) {
      End(warm.front().connection, ended);
      warm.erase(warm.begin());
    }
  }

  void Serve() {
    while (!queue.empty() && Free()) {
      ++in_use;
      served.push_back({queue.front(), -1});
      queue.erase(queue.begin());
    }
  }

  PoolLimits limits;
  bool open = true;
  uint32_t in_use = 0;
  uint32_t ending = 0;
  Numbers queue;
  std::vector<Warm> warm;
  std::vector<Parked> parked;
  std::vector<Served> served;

 private:
  bool Free() const { return limits.size == 0 || in_use < limits.size; }
  uint32_t Over() const { return Free() || in_use == limits.size ? 0 : in_use - limits.size; }
  uint32_t Owed() const { return static_cast<uint32_t>(queue.size()) + Over(); }
  bool TooOld(const Parked& session, Moment now) const {
    return now - session.logged_in >= limits.max_snapshot_age;
  }
  std::vector<Parked>::iterator Oldest() {
    return std::min_element(parked.begin(), parked.end(), [](const Parked& a, const Parked& b) {
      return std::pair(a.logged_in, a.arrival) < std::pair(b.logged_in, b.arrival);
    });
  }
  int Remove(int connection) {
    std::erase_if(parked, [&](const Parked& each) { return each.connection == connection; });
    return connection;
  }
  int TakeOldest() { return Remove(Oldest()->connection); }
  void End(int connection, Numbers& ended) {
    ++ending;
    ended.push_back(connection);
  }

  int arrivals_ = 0;
};

class Trial {
 public:
  explicit Trial(uint64_t seed) : random_(seed) { SetLimits(); }

  ~Trial() {
    Keep(pool_.TakeAllIdle());
    // Whoever still waits is served by what ends here, and ends too.
    while (!held_.empty() || !opening_.empty() || !ending_.empty()) {
      const Connections held = std::exchange(held_, {});
      const Connections opening = std::exchange(opening_, {});
      const std::vector<NodePool::Idle> ending = std::exchange(ending_, {});
    }
    EXPECT_EQ(pool_.counts().waiting, 0u);
    EXPECT_EQ(pool_.counts().in_use, 0u);
  }

  // What the steps have met; a run that meets nothing shows nothing.
  struct Tally {
    size_t slots = 0;
    size_t warm = 0;
    size_t ended = 0;
    size_t reused = 0;
    size_t queued = 0;  // waiters, in each step
  };
  const Tally& tally() const { return tally_; }

  void Step() {
    expected_.clear();
    handed_out_.clear();
    Act();
    EXPECT_EQ(handed_out_, expected_);
    EXPECT_EQ(served_, model_.served);
    for (const Served& each : served_) ++(each.connection < 0 ? tally_.slots : tally_.warm);
    tally_.ended += handed_out_.size();
    tally_.queued += model_.queue.size();
    const NodePool::Counts counts = pool_.counts();
    EXPECT_EQ(counts.in_use, model_.in_use);
    EXPECT_EQ(counts.warm, model_.warm.size());
    EXPECT_EQ(counts.parked, model_.parked.size());
    EXPECT_EQ(counts.waiting, model_.queue.size());
    served_.clear();
    model_.served.clear();
  }

 private:
  class Login : public NodePool::Waiter {
   public:
    Login(Trial& trial, int number) : trial_(trial), number_(number) {}
    void OnGranted() override { trial_.Grant(*this); }
    int number() const { return number_; }

   private:
    Trial& trial_;
    const int number_;
  };
  using Connections = std::vector<std::unique_ptr<PooledConnection>>;

  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }

  void Act() {
    switch (Below(18)) {
      case 0:
      case 1:
      case 2:
      case 3:
        if (busy_ || Below(3) == 0) LogIn();
        return;
      case 4:
        return Withdraw();
      case 5:
      case 6:
        return Drop(held_, false);
      case 7:
      case 8:
        return Park();
      case 9:
      case 10:
        return TakeParked();
      case 11:
        return OpenWarm();
      case 12:
        return AddWarm();
      case 13:
        return Drop(opening_, false);
      case 14:
      case 15:
        return EndOne();
      case 16:
        return Sweep();
      default:
        return Administer();
    }
  }

  void LogIn() {
    if (waiting_.size() > 8) return;
    auto login = std::make_unique<Login>(*this, ++numbers_);
    NodePool::Idle evicted;
    const bool at_once = pool_.TakeOrWait(*login, &evicted);
    EXPECT_EQ(at_once, model_.Login(login->number(), expected_));
    if (evicted.connection) Keep(One(std::move(evicted)));
    Login& its = *login;
    waiting_.emplace(its.number(), std::move(login));
    if (at_once) Grant(its);
  }

  // The waiter's grant becomes a session; the waiter goes at once.
  void Grant(Login& login) {
    served_.push_back({login.number(), NumberOf(login.grant.connection)});
    held_.push_back(login.grant.kind == NodePool::Grant::Kind::kWarm
                        ? std::move(login.grant.connection)
                        : Connect(std::move(login.grant.slot)));
    waiting_.erase(login.number());
  }

  void Withdraw() {
    if (waiting_.empty()) return;
    auto login = std::next(waiting_.begin(), Below(static_cast<uint32_t>(waiting_.size())));
    EXPECT_TRUE(model_.Withdraw(login->first));
    EXPECT_TRUE(pool_.Withdraw(*login->second));
    waiting_.erase(login);
  }

  // The connection goes, and its slot comes back.
  void Drop(Connections& from, bool was_ending) {
    if (from.empty()) return;
    const std::unique_ptr<PooledConnection> gone = TakeOne(from);
    model_.SlotBack(was_ending);
  }

  void EndOne() {
    if (ending_.empty()) return;
    const size_t which = Below(static_cast<uint32_t>(ending_.size()));
    const NodePool::Idle gone = std::move(ending_[which]);
    ending_.erase(ending_.begin() + static_cast<std::ptrdiff_t>(which));
    model_.SlotBack(true);
  }

  void Park() {
    if (held_.empty()) return;
    auto session = std::make_unique<ParkedSession>();
    session->connection = TakeOne(held_);
    session->logged_in = now_ - std::chrono::seconds(Below(7));
    const int user = static_cast<int>(Below(kUsers));
    model_.Park({user, NumberOf(session->connection), session->logged_in, 0}, now_, expected_);
    Keep(pool_.Park(kMain, users_[static_cast<size_t>(user)], std::move(session), now_));
  }

  void TakeParked() {
    const int user = static_cast<int>(Below(kUsers));
    auto session = pool_.TakeParked(kMain, users_[static_cast<size_t>(user)]);
    EXPECT_EQ(session ? NumberOf(session->connection) : -1, model_.TakeParked(user));
    if (!session) return;
    ++tally_.reused;
    held_.push_back(std::move(session->connection));
  }

  void OpenWarm() {
    std::optional<Slot> slot = pool_.SlotForWarm();
    EXPECT_EQ(slot.has_value(), model_.SlotForWarm());
    if (slot) opening_.push_back(Connect(std::move(*slot)));
  }

  void AddWarm() {
    if (opening_.empty()) return;
    std::unique_ptr<PooledConnection> connection = TakeOne(opening_);
    const Moment expires = now_ + std::chrono::seconds(Below(20));
    model_.AddWarm(NumberOf(connection), expires, expected_);
    if (auto back = pool_.AddWarm(std::move(connection), expires)) {
      Keep(One(NodePool::Idle{std::move(back), {}}));
    }
  }

  void Sweep() {
    now_ += std::chrono::seconds(Below(3));
    model_.Sweep(now_, expected_);
    Keep(pool_.TakeExpired(now_));
  }

  void Administer() {
    if (Below(8) == 0) busy_ = !busy_;
    switch (Below(8)) {
      case 0:
        model_.AllIdle(expected_);
        return Keep(pool_.TakeAllIdle());
      case 1:
      case 2: {
        const uint32_t keep = Below(3);
        model_.SurplusWarm(keep, expected_);
        return Keep(pool_.TakeSurplusWarm(keep));
      }
      case 3:
      case 4:
      case 5:
        model_.open = Below(4) != 0;
        return pool_.SetOpen(model_.open);
      default:
        SetLimits();
    }
  }

  void SetLimits() {
    model_.limits.size = Below(10) == 0 ? 0 : 2 + Below(8);
    model_.limits.warm = Below(4);
    model_.limits.parked = Below(5);
    model_.limits.max_snapshot_age = std::chrono::seconds(Below(10) == 0 ? 0 : 5);
    model_.Serve();
    pool_.SetLimits(model_.limits);
  }

  std::unique_ptr<PooledConnection> Connect(Slot slot) {
    return std::make_unique<NumberedConnection>(pool_, ++numbers_, std::move(slot));
  }

  std::unique_ptr<PooledConnection> TakeOne(Connections& from) {
    const size_t which = Below(static_cast<uint32_t>(from.size()));
    std::unique_ptr<PooledConnection> one = std::move(from[which]);
    from.erase(from.begin() + static_cast<std::ptrdiff_t>(which));
    return one;
  }

  static std::vector<NodePool::Idle> One(NodePool::Idle idle) {
    std::vector<NodePool::Idle> one;
    one.push_back(std::move(idle));
    return one;
  }

  // Until EndOne: a QUIT takes its time.
  void Keep(std::vector<NodePool::Idle> idle) {
    for (NodePool::Idle& each : idle) {
      handed_out_.push_back(NumberOf(each.connection));
      ending_.push_back(std::move(each));
    }
  }

  std::mt19937_64 random_;
  Moment now_ = std::chrono::seconds(100);
  bool busy_ = true;  // more logins than connections, or fewer
  int numbers_ = 0;
  Model model_;
  NodePool pool_{PoolLimits{}};
  const std::vector<CanonicalUser> users_ = {UserNamed("a"), UserNamed("b"), UserNamed("c"),
                                             UserNamed("d"), UserNamed("e"), UserNamed("f")};
  std::map<int, std::unique_ptr<Login>> waiting_;
  Connections held_;
  Connections opening_;
  std::vector<NodePool::Idle> ending_;
  std::vector<Served> served_;
  Numbers expected_;
  Numbers handed_out_;
  Tally tally_;
};

class NodePoolModelTest : public testing::TestWithParam<uint64_t> {};

TEST_P(NodePoolModelTest, AgreesInEveryStep) {
  constexpr int kSteps = 60'000;
  Trial trial(GetParam());
  for (int step = 0; step < kSteps; ++step) {
    trial.Step();
    ASSERT_FALSE(HasFailure()) << "step " << step << " of seed " << GetParam();
  }
  const auto& tally = trial.tally();
  EXPECT_GT(tally.slots, 1000u);
  EXPECT_GT(tally.warm, 100u);
  EXPECT_GT(tally.ended, 1000u);
  EXPECT_GT(tally.reused, 100u);
  EXPECT_GT(tally.queued, 10'000u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, NodePoolModelTest, testing::Range<uint64_t>(1, 13));

}  // namespace
}  // namespace poplar::balancer
