// What befalls replicas, their store and their users, by the dice.
#include <gtest/gtest.h>

#include "tests/unit/proxy/shared_state/replica_street.h"

namespace poplar::shared_state {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ReplicaRandomTest : public testing::TestWithParam<uint64_t> {
 protected:
  ReplicaRandomTest() {
    for (int i = 0; i < 4; ++i) street_.Add();
    street_.Pass(seconds(4));
  }
  ~ReplicaRandomTest() override {
    street_.Calm();
    EXPECT_EQ(street_.overlaps(), 0) << "seed " << GetParam();
    EXPECT_GT(street_.visits(), 100U);
  }

  ReplicaStreet street_{GetParam()};
};

TEST_P(ReplicaRandomTest, NobodyIsOnTwoNodesAtOnce) {
  street_.Live(seconds(10));
  street_.Calm();
  EXPECT_EQ(street_.excused(), 0);
  street_.Pass(seconds(1));
  EXPECT_EQ(street_.store().claims(), 0U);  // all was given back
}

TEST_P(ReplicaRandomTest, NorWhenReplicasDie) {
  for (int i = 0; i < 5; ++i) {
    street_.Live(seconds(3));
    street_.KillOne();
  }
  EXPECT_EQ(street_.excused(), 0);
}

TEST_P(ReplicaRandomTest, NorWhenConnectionsBreak) {
  for (int i = 0; i < 8; ++i) {
    street_.Live(milliseconds(1500));
    street_.store().Cut();
  }
  street_.Live(seconds(2));
}

TEST_P(ReplicaRandomTest, NorWhenTheStoreForgets) {
  for (int i = 0; i < 4; ++i) {
    street_.Live(seconds(4));
    street_.store().Forget();
  }
  street_.Live(seconds(4));
}

TEST_P(ReplicaRandomTest, NorIsAnybodyAloneWhenTheStoreRestartsInAQuietTime) {
  for (int i = 0; i < 2; ++i) {
    street_.Live(seconds(11));
    street_.store().Forget();
  }
  street_.Live(seconds(4));
  street_.Calm();
  EXPECT_EQ(street_.alone(), 0);
}

TEST_P(ReplicaRandomTest, NorWhenItHangs) {
  for (int i = 0; i < 5; ++i) {
    street_.Live(seconds(2));
    street_.store().Freeze(true);
    street_.Live(milliseconds(100 + 400 * i));
    street_.store().Freeze(false);
  }
  street_.Live(seconds(4));
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReplicaRandomTest, testing::Range(uint64_t{1}, uint64_t{13}));

}  // namespace
}  // namespace poplar::shared_state
