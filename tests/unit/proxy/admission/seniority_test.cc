#include "proxy/admission/seniority.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace poplar::admission {
namespace {

struct Connection final : Newcomer {
  explicit Connection(int number, std::vector<int>& told) : number_(number), told_(told) {}
  void GiveWay() override { told_.push_back(number_); }
  int number_;
  std::vector<int>& told_;
};

TEST(Seniority, EndsTheOldestFirst) {
  std::vector<int> told;
  Seniority list;
  EXPECT_FALSE(list.EndOldest());
  Connection one(1, told), two(2, told), three(3, told);
  list.Add(one);
  list.Add(two);
  list.Add(three);
  EXPECT_TRUE(list.EndOldest());
  EXPECT_TRUE(list.EndOldest());
  EXPECT_EQ(told, (std::vector<int>{1, 2}));
  EXPECT_TRUE(list.EndOldest());
  EXPECT_FALSE(list.EndOldest());
  EXPECT_EQ(told, (std::vector<int>{1, 2, 3}));
}

TEST(Seniority, KnowsNobodyWhoHasLoggedInOrLeft) {
  std::vector<int> told;
  Seniority list;
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < 6; ++i) {
    connections.push_back(std::make_unique<Connection>(i, told));
    list.Add(*connections.back());
  }
  list.Remove(*connections[0]);  // the oldest
  list.Remove(*connections[0]);  // again: nothing
  list.Remove(*connections[3]);
  list.Remove(*connections[5]);  // the youngest
  connections[1].reset();        // gone
  Connection late(6, told);
  list.Add(late);
  while (list.EndOldest()) {
  }
  EXPECT_EQ(told, (std::vector<int>{2, 4, 6}));
}

}  // namespace
}  // namespace poplar::admission
