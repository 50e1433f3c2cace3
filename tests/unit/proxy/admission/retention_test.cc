#include "proxy/admission/retention.h"

#include <gtest/gtest.h>

namespace poplar::admission {
namespace {

constexpr Deletes kAllowed = Deletes::kAllowed;
constexpr Deletes kKept = Deletes::kKept;
constexpr Deletes kDenied = Deletes::kDenied;

TEST(Retention, GoesByTheDefaultWhereNothingIsSaid) {
  EXPECT_EQ(Retention().Of("anna@example.org"), kAllowed);
  EXPECT_EQ(Retention(kDenied).Of("anna@example.org"), kDenied);
  EXPECT_EQ(Retention(kKept).Of("anna"), kKept);
}

TEST(Retention, TheMostSpecificWordHolds) {
  Retention retention(kDenied);
  retention.Say("@example.org", kAllowed);
  retention.Say("archive@example.org", kKept);
  retention.Say("root", kAllowed);
  EXPECT_EQ(retention.Of("anna@example.org"), kAllowed);
  EXPECT_EQ(retention.Of("archive@example.org"), kKept);
  EXPECT_EQ(retention.Of("anna@other.example"), kDenied);
  EXPECT_EQ(retention.Of("root"), kAllowed);
  EXPECT_EQ(retention.Of("root@other.example"), kDenied);
  EXPECT_EQ(retention.Of("anna@sub.example.org"), kDenied);
  EXPECT_EQ(retention.Of("example.org"), kDenied);
  // What is behind the last '@' is the domain.
  EXPECT_EQ(retention.Of("a@b@example.org"), kAllowed);
}

TEST(Retention, NamesAreSpelledAsUsersAre) {
  Retention retention;
  retention.Say("@Example.ORG", kDenied);
  retention.Say("Anna@X.example", kKept);
  EXPECT_EQ(retention.Of("bob@example.org"), kDenied);
  EXPECT_EQ(retention.Of("anna@x.example"), kKept);
}

TEST(Retention, TheStrictestWordHoldsOnOneName) {
  constexpr Deletes kOrders[][3] = {
      {kAllowed, kKept, kDenied}, {kDenied, kKept, kAllowed}, {kKept, kDenied, kAllowed}};
  for (const auto& order : kOrders) {
    Retention retention;
    for (const Deletes deletes : order) retention.Say("@a", deletes);
    EXPECT_EQ(retention.Of("x@a"), kDenied);
  }
}

}  // namespace
}  // namespace poplar::admission
