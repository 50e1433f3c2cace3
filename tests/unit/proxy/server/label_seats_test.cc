#include "proxy/server/label_seats.h"

#include <gtest/gtest.h>

namespace poplar::server {
namespace {

TEST(LabelSeatsTest, ANameKeepsItsSeat) {
  LabelSeats seats(2);
  EXPECT_EQ(seats.Of("a"), 0u);
  EXPECT_EQ(seats.Of("b"), 1u);
  EXPECT_EQ(seats.Of("a"), 0u);
  EXPECT_EQ(seats.Of("c"), std::nullopt);
  EXPECT_EQ(seats.size(), 2u);
}

}  // namespace
}  // namespace poplar::server
