// How long users wait for a store that has closed the connection.
#include <gtest/gtest.h>

#include "tests/unit/proxy/shared_state/replica_street.h"

namespace poplar::shared_state {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// As it goes with a login: it is held for a second, and not a second time.
TEST(ReplicaReturnTest, AStoreThatStaysAwayIsWaitedForOnce) {
  ReplicaStreet street(5);
  ReplicaHouse& house = street.Add();
  street.Pass(seconds(4));
  const auto visit = [&](const std::string& user) {
    const size_t before = house.visits();
    const io::Time begun = street.world().Now();
    house.Visit(user, milliseconds(1), [] { return 1; });
    EXPECT_TRUE(street.world().RunUntil([&] { return house.visits() > before; }, seconds(10)));
    return street.world().Now() - begun;
  };
  EXPECT_LT(visit("user0"), milliseconds(100));
  street.store().Stop();
  const io::Duration first = visit("user1");
  EXPECT_GT(first, milliseconds(800));
  EXPECT_LT(first, milliseconds(1300));
  EXPECT_LT(visit("user2"), milliseconds(100));
  EXPECT_EQ(street.alone(), 2);
}

TEST(ReplicaReturnTest, OneThatComesAndGoesIsAway) {
  ReplicaStreet street(6);
  ReplicaHouse& house = street.Add();
  street.Pass(seconds(4));
  street.store().Cut();
  EXPECT_TRUE(street.world().RunUntil([&] { return !house.replica().up(); }, seconds(1)));
  EXPECT_EQ(house.replica().reach(street.world().Now()), Replica::Reach::kAwaited);
  EXPECT_TRUE(street.world().RunUntil([&] { return house.replica().up(); }, seconds(1)));
  street.store().Cut();
  EXPECT_TRUE(street.world().RunUntil([&] { return !house.replica().up(); }, seconds(1)));
  EXPECT_EQ(house.replica().reach(street.world().Now()), Replica::Reach::kAway);
}

// Who has been silent was waited for already.
TEST(ReplicaReturnTest, OneThatHangsIsAway) {
  ReplicaStreet street(7);
  ReplicaHouse& house = street.Add();
  street.Pass(seconds(4));
  street.store().Freeze(true);
  EXPECT_TRUE(street.world().RunUntil([&] { return !house.replica().up(); }, seconds(5)));
  EXPECT_EQ(house.replica().reach(street.world().Now()), Replica::Reach::kAway);
  street.store().Freeze(false);
}

}  // namespace
}  // namespace poplar::shared_state
