#include "balancer/seating.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace poplar::balancer {
namespace {

using State = Seating::State;
using Numbers = std::vector<uint32_t>;
using Places = std::vector<std::optional<uint32_t>>;

bool Free(uint32_t /*seat*/) { return true; }
bool Taken(uint32_t /*seat*/) { return false; }

TEST(SeatingTest, NewcomersTakeTheLowestVacantSeatsInOrder) {
  Seating seating(4);
  const auto first = seating.Take({"b", "a"});
  EXPECT_EQ(first.seats, (Places{0, 1}));
  EXPECT_EQ(first.came, (Numbers{0, 1}));
  EXPECT_EQ(seating.seats()[0].name, "b");
  const auto second = seating.Take({"c", "a", "b"});
  EXPECT_EQ(second.seats, (Places{2, 1, 0}));
  EXPECT_EQ(second.came, (Numbers{2}));
  EXPECT_EQ(seating.Count(State::kPresent), 3u);
  EXPECT_EQ(seating.Count(State::kVacant), 1u);
}

TEST(SeatingTest, WhoIsGoneLeavesAndKeepsTheSeatUntilItIsFree) {
  Seating seating(2);
  seating.Take({"a", "b"});
  EXPECT_EQ(seating.Take({"b"}).left, (Numbers{0}));
  EXPECT_EQ(seating.seats()[0].state, State::kLeaving);
  EXPECT_TRUE(seating.Take({"b"}).left.empty());  // told once
  EXPECT_TRUE(seating.Vacate(Taken).empty());
  EXPECT_EQ(seating.Take({"b", "c"}).seats, (Places{1, std::nullopt}));
  EXPECT_EQ(seating.Vacate(Free), (Numbers{0}));
  EXPECT_EQ(seating.seats()[0].name, "");
  EXPECT_EQ(seating.Take({"b", "c"}).seats, (Places{1, 0}));
}

TEST(SeatingTest, WhoComesBackWhileLeavingHasTheOldSeat) {
  Seating seating(3);
  seating.Take({"a", "b"});
  seating.Take({"b"});
  const auto back = seating.Take({"c", "b", "a"});
  EXPECT_EQ(back.seats, (Places{2, 1, 0}));
  EXPECT_EQ(back.came_back, (Numbers{0}));
  EXPECT_EQ(back.came, (Numbers{2}));
}

TEST(SeatingTest, MoreThanSeatsAreLeftWithoutOne) {
  Seating seating(2);
  EXPECT_EQ(seating.Take({"a", "b", "c"}).seats, (Places{0, 1, std::nullopt}));
  // The ones that sit keep their seats, whatever stands ahead of them.
  EXPECT_EQ(seating.Take({"c", "b", "a"}).seats, (Places{std::nullopt, 1, 0}));
}

TEST(SeatingTest, AllMayLeave) {
  Seating seating(2);
  seating.Take({"a", "b"});
  EXPECT_EQ(seating.Take({}).left, (Numbers{0, 1}));
  EXPECT_EQ(seating.Count(State::kPresent), 0u);
}

// What holds after whatever came, for random answers and random users left behind.
class RandomSeating {
 public:
  explicit RandomSeating(uint32_t seed) : random_(seed), seating_(Below(6) + 1) {}

  void Step() {
    const auto before = seating_.seats();
    if (Below(3) == 0) {
      Vacate(before);
    } else {
      Answer(before);
    }
    std::set<std::string> names;
    for (const Seating::Seat& seat : seating_.seats()) {
      ASSERT_EQ(seat.name.empty(), seat.state == State::kVacant);
      if (!seat.name.empty()) ASSERT_TRUE(names.insert(seat.name).second) << seat.name;
    }
  }

 private:
  using Seats = std::vector<Seating::Seat>;

  uint32_t Below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }

  void Vacate(const Seats& before) {
    const uint32_t free = Below(64);
    const auto vacated = seating_.Vacate([free](uint32_t seat) { return (free >> seat & 1) != 0; });
    for (uint32_t i = 0; i < before.size(); ++i) {
      const bool goes = before[i].state == State::kLeaving && (free >> i & 1) != 0;
      ASSERT_EQ(std::count(vacated.begin(), vacated.end(), i), goes ? 1 : 0);
      ASSERT_EQ(seating_.seats()[i].state, goes ? State::kVacant : before[i].state);
    }
  }

  void Answer(const Seats& before) {
    std::vector<std::string> names;
    for (char name = 'a'; name < 'j'; ++name) {
      if (Below(2) == 0) names.emplace_back(1, name);
    }
    std::shuffle(names.begin(), names.end(), random_);
    const auto changes = seating_.Take(names);
    ASSERT_EQ(changes.seats.size(), names.size());
    for (uint32_t i = 0; i < before.size(); ++i) {
      if (before[i].state == State::kVacant) continue;
      const bool named = std::find(names.begin(), names.end(), before[i].name) != names.end();
      ASSERT_EQ(seating_.seats()[i].name, before[i].name);
      ASSERT_EQ(seating_.seats()[i].state, named ? State::kPresent : State::kLeaving);
    }
    for (size_t i = 0; i < names.size(); ++i) {
      if (changes.seats[i]) {
        ASSERT_EQ(seating_.seats()[*changes.seats[i]].name, names[i]);
      } else {
        ASSERT_EQ(seating_.Count(State::kVacant), 0u);
      }
    }
  }

  std::mt19937 random_;
  Seating seating_;
};

TEST(SeatingTest, HoldsItsRulesWhateverComes) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    RandomSeating seating(seed);
    for (int i = 0; i < 60 && !::testing::Test::HasFatalFailure(); ++i) seating.Step();
    ASSERT_FALSE(::testing::Test::HasFatalFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace poplar::balancer
