// Several replicas, one store, users who come by any of them; and all that befalls them. Views of
// nodes are as different as can be: each visit picks a node by the dice.
#include <gtest/gtest.h>

#include <list>
#include <map>

#include "tests/simulation/network.h"
#include "tests/unit/proxy/shared_state/fake_store.h"
#include "tests/unit/proxy/shared_state/replica_house.h"

namespace poplar::shared_state {
namespace {

using simulation::Faults;
using simulation::Network;
using simulation::SeededRandom;
using simulation::World;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kUsers = 6;

io::Address At(int host) { return *io::Address::Parse("192.0.2." + std::to_string(host), 0); }

class Street {
 public:
  explicit Street(uint64_t seed)
      : world_(seed),
        network_(world_, Faults()),
        dice_(world_.Stream("street")),
        store_(network_, At(100)) {}

  ~Street() {
    for (ReplicaHouse& house : houses_) house.Stop();
    store_.Stop();
    EXPECT_TRUE(world_.RunUntil(
        [this] {
          return store_.idle() && std::all_of(houses_.begin(), houses_.end(),
                                              [](const auto& house) { return house.idle(); });
        },
        seconds(60)))
        << world_.why_not();
  }

  ReplicaHouse& Add() {
    const int number = static_cast<int>(houses_.size()) + 1;
    ReplicaHouse& house = houses_.emplace_back(
        network_, "house" + std::to_string(number), At(number), store_.address(),
        ReplicaHouse::Diary{
            .arrived = [this](const auto& at, const auto& guest) { Arrived(at, guest); },
            .left = [this](const auto& at, const auto& guest) { Left(at, guest); }});
    house.Start();
    return house;
  }

  void Pass(io::Duration time) {
    const io::Time until = world_.Now() + time;
    world_.After(time, [] {});
    (void)world_.RunUntil([&] { return world_.Now() >= until; }, time + seconds(1));
  }

  // Visits for so long, some dozens a second.
  void Live(io::Duration time) {
    const io::Time until = world_.Now() + time;
    while (world_.Now() < until) {
      ReplicaHouse& house =
          *std::next(houses_.begin(), static_cast<long>(dice_.Next() % houses_.size()));
      if (!house.killed()) {
        house.Visit("user" + std::to_string(dice_.Next() % kUsers),
                    milliseconds(dice_.Next() % 300),
                    [this] { return static_cast<int>(dice_.Next() % kNodes); });
      }
      Pass(milliseconds(dice_.Next() % 60));
    }
  }

  // Until nobody is left who visits.
  void Calm() {
    EXPECT_TRUE(world_.RunUntil(
        [this] {
          return std::all_of(houses_.begin(), houses_.end(),
                             [](const auto& house) { return house.killed() || house.open() == 0; });
        },
        seconds(60)))
        << world_.why_not();
  }

  void KillOne() {
    ReplicaHouse& house =
        *std::next(houses_.begin(), static_cast<long>(dice_.Next() % houses_.size()));
    if (house.killed()) return;
    house.Kill();
    std::erase_if(guests_, [&](const auto& each) { return each.house == &house; });
    Add();
  }

  size_t visits() const {
    size_t count = 0;
    for (const ReplicaHouse& house : houses_) count += house.visits();
    return count;
  }

  World world_;
  Network network_;
  SeededRandom dice_;
  FakeStore store_;
  std::list<ReplicaHouse> houses_;
  int overlaps_ = 0;  // of users whom the store had granted
  int excused_ = 0;   // one of the two was alone

 private:
  struct Entry {
    const ReplicaHouse* house;
    ReplicaHouse::Guest guest;
  };

  void Arrived(const ReplicaHouse& house, const ReplicaHouse::Guest& guest) {
    for (const Entry& other : guests_) {
      if (other.guest.user != guest.user || other.guest.node == guest.node) continue;
      ++(other.guest.alone || guest.alone ? excused_ : overlaps_);
    }
    guests_.push_back({&house, guest});
  }
  void Left(const ReplicaHouse& house, const ReplicaHouse::Guest& guest) {
    for (auto each = guests_.begin(); each != guests_.end(); ++each) {
      if (each->house != &house || each->guest.user != guest.user || each->guest.node != guest.node)
        continue;
      guests_.erase(each);
      return;
    }
  }

  std::list<Entry> guests_;
};

class ReplicaRandomTest : public testing::TestWithParam<uint64_t> {
 protected:
  ReplicaRandomTest() {
    for (int i = 0; i < 4; ++i) street_.Add();
    street_.Pass(seconds(4));
  }
  ~ReplicaRandomTest() override {
    street_.Calm();
    EXPECT_EQ(street_.overlaps_, 0) << "seed " << GetParam();
    EXPECT_GT(street_.visits(), 100U);
  }

  Street street_{GetParam()};
};

TEST_P(ReplicaRandomTest, NobodyIsOnTwoNodesAtOnce) {
  street_.Live(seconds(10));
  street_.Calm();
  EXPECT_EQ(street_.excused_, 0);
  street_.Pass(seconds(1));
  EXPECT_EQ(street_.store_.claims(), 0U);  // all was given back
}

TEST_P(ReplicaRandomTest, NorWhenReplicasDie) {
  for (int i = 0; i < 5; ++i) {
    street_.Live(seconds(3));
    street_.KillOne();
  }
  EXPECT_EQ(street_.excused_, 0);
}

TEST_P(ReplicaRandomTest, NorWhenConnectionsBreak) {
  for (int i = 0; i < 8; ++i) {
    street_.Live(milliseconds(1500));
    street_.store_.Cut();
  }
  street_.Live(seconds(2));
}

TEST_P(ReplicaRandomTest, NorWhenTheStoreForgets) {
  for (int i = 0; i < 4; ++i) {
    street_.Live(seconds(4));
    street_.store_.Forget();
  }
  street_.Live(seconds(4));
}

TEST_P(ReplicaRandomTest, NorWhenItHangs) {
  for (int i = 0; i < 5; ++i) {
    street_.Live(seconds(2));
    street_.store_.Freeze(true);
    street_.Live(milliseconds(100 + 400 * i));
    street_.store_.Freeze(false);
  }
  street_.Live(seconds(4));
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReplicaRandomTest, testing::Range(uint64_t{1}, uint64_t{13}));

TEST(ReplicaAgreementTest, AllComeToTheSame) {
  Street street(7);
  for (int i = 0; i < 4; ++i) street.Add();
  street.Pass(seconds(4));
  const auto out = [&] {
    int count = 0;
    for (const ReplicaHouse& house : street.houses_) count += house.agreed_out(1) ? 1 : 0;
    return count;
  };
  auto house = street.houses_.begin();
  for (int i = 0; i < 2; ++i) (house++)->SetFailing(1, true);
  street.Pass(seconds(3));
  EXPECT_EQ(out(), 0);
  (house++)->SetFailing(1, true);
  street.Pass(seconds(2));
  EXPECT_EQ(out(), 4);
  for (ReplicaHouse& each : street.houses_) each.SetFailing(1, false);
  street.Pass(seconds(2));
  EXPECT_EQ(out(), 0);
}

TEST(ReplicaAgreementTest, WhoHasNoVoiceCountsForNothingButHoldsItsUsers) {
  Street street(9);
  for (int i = 0; i < 3; ++i) street.Add();
  street.Pass(seconds(4));
  ReplicaHouse& mute = street.houses_.front();
  ReplicaHouse& other = street.houses_.back();
  mute.Visit("user0", seconds(10), [] { return 2; });
  street.Pass(seconds(1));
  mute.replica().SetVoice(false);
  street.Pass(seconds(2));
  EXPECT_EQ(other.replica().counts().replicas, 2U);
  EXPECT_EQ(mute.replica().counts().replicas, 2U);
  mute.SetFailing(1, true);
  other.SetFailing(1, true);
  street.Pass(seconds(2));
  EXPECT_FALSE(other.agreed_out(1)) << "one of two is not most of them";
  std::next(street.houses_.begin())->SetFailing(1, true);
  street.Pass(seconds(2));
  EXPECT_TRUE(other.agreed_out(1));
  EXPECT_TRUE(mute.agreed_out(1));
  // Longer than a lease behind: still where the mute one has the user.
  other.Visit("user0", seconds(1), [] { return 0; });
  street.Pass(seconds(2));
  street.Calm();
  EXPECT_EQ(street.overlaps_ + street.excused_, 0);
}

TEST(ReplicaAgreementTest, WithoutTheStoreTheLastWordCountsForALease) {
  Street street(8);
  ReplicaHouse& house = street.Add();
  street.Pass(seconds(4));
  house.SetFailing(1, true);
  street.Pass(seconds(1));
  EXPECT_TRUE(house.agreed_out(1));
  EXPECT_TRUE(house.replica().up());
  street.store_.Freeze(true);
  street.Pass(seconds(2));
  EXPECT_FALSE(house.replica().up());
  EXPECT_TRUE(house.agreed_out(1));
  street.Pass(seconds(8));
  EXPECT_FALSE(house.agreed_out(1));
  street.store_.Freeze(false);
  street.Pass(seconds(5));
  EXPECT_TRUE(house.replica().up());
  EXPECT_TRUE(house.agreed_out(1));
}

}  // namespace
}  // namespace poplar::shared_state
