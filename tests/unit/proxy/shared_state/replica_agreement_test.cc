// What replicas agree on about nodes, and who has a say.
#include <gtest/gtest.h>

#include "tests/unit/proxy/shared_state/replica_street.h"

namespace poplar::shared_state {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ReplicaAgreementTest, AllComeToTheSame) {
  ReplicaStreet street(7);
  for (int i = 0; i < 4; ++i) street.Add();
  street.Pass(seconds(4));
  const auto out = [&] {
    int count = 0;
    for (const ReplicaHouse& house : street.houses()) count += house.agreed_out(1) ? 1 : 0;
    return count;
  };
  auto house = street.houses().begin();
  for (int i = 0; i < 2; ++i) (house++)->SetFailing(1, true);
  street.Pass(seconds(3));
  EXPECT_EQ(out(), 0);
  (house++)->SetFailing(1, true);
  street.Pass(seconds(2));
  EXPECT_EQ(out(), 4);
  for (ReplicaHouse& each : street.houses()) each.SetFailing(1, false);
  street.Pass(seconds(2));
  EXPECT_EQ(out(), 0);
}

TEST(ReplicaAgreementTest, WhoHasNoVoiceCountsForNothingButHoldsItsUsers) {
  ReplicaStreet street(9);
  for (int i = 0; i < 3; ++i) street.Add();
  street.Pass(seconds(4));
  ReplicaHouse& mute = street.houses().front();
  ReplicaHouse& other = street.houses().back();
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
  std::next(street.houses().begin())->SetFailing(1, true);
  street.Pass(seconds(2));
  EXPECT_TRUE(other.agreed_out(1));
  EXPECT_TRUE(mute.agreed_out(1));
  // Longer than a lease behind: still where the mute one has the user.
  other.Visit("user0", seconds(1), [] { return 0; });
  street.Pass(seconds(2));
  street.Calm();
  EXPECT_EQ(street.overlaps() + street.excused(), 0);
}

TEST(ReplicaAgreementTest, WithoutTheStoreTheLastWordCountsForALease) {
  ReplicaStreet street(8);
  ReplicaHouse& house = street.Add();
  street.Pass(seconds(4));
  house.SetFailing(1, true);
  street.Pass(seconds(1));
  EXPECT_TRUE(house.agreed_out(1));
  EXPECT_TRUE(house.replica().up());
  street.store().Freeze(true);
  street.Pass(seconds(2));
  EXPECT_FALSE(house.replica().up());
  EXPECT_TRUE(house.agreed_out(1));
  street.Pass(seconds(8));
  EXPECT_FALSE(house.agreed_out(1));
  street.store().Freeze(false);
  street.Pass(seconds(5));
  EXPECT_TRUE(house.replica().up());
  EXPECT_TRUE(house.agreed_out(1));
}

}  // namespace
}  // namespace poplar::shared_state
