#include "proxy/admission/retention.h"

#include <gtest/gtest.h>

namespace poplar::admission {
namespace {

TEST(Retention, AllowsAllWhereNothingIsSaid) {
  EXPECT_FALSE(Retention().DeletesDenied("anna@example.org"));
  EXPECT_TRUE(Retention(true).DeletesDenied("anna@example.org"));
  EXPECT_TRUE(Retention(true).DeletesDenied("anna"));
}

TEST(Retention, TheMostSpecificWordHolds) {
  Retention retention(true);
  retention.Say("@example.org", false);
  retention.Say("archive@example.org", true);
  retention.Say("root", false);
  EXPECT_FALSE(retention.DeletesDenied("anna@example.org"));
  EXPECT_TRUE(retention.DeletesDenied("archive@example.org"));
  EXPECT_TRUE(retention.DeletesDenied("anna@other.example"));
  EXPECT_FALSE(retention.DeletesDenied("root"));
  EXPECT_TRUE(retention.DeletesDenied("root@other.example"));
  EXPECT_TRUE(retention.DeletesDenied("anna@sub.example.org"));
  EXPECT_TRUE(retention.DeletesDenied("example.org"));
  // What is behind the last '@' is the domain.
  EXPECT_FALSE(retention.DeletesDenied("a@b@example.org"));
}

TEST(Retention, NamesAreSpelledAsUsersAre) {
  Retention retention;
  retention.Say("@Example.ORG", true);
  retention.Say("Anna@X.example", true);
  EXPECT_TRUE(retention.DeletesDenied("bob@example.org"));
  EXPECT_TRUE(retention.DeletesDenied("anna@x.example"));
}

TEST(Retention, DenialHoldsWhereBothAreSaid) {
  Retention one;
  one.Say("@a", true);
  one.Say("@a", false);
  EXPECT_TRUE(one.DeletesDenied("x@a"));
  Retention other;
  other.Say("@a", false);
  other.Say("@a", true);
  EXPECT_TRUE(other.DeletesDenied("x@a"));
}

}  // namespace
}  // namespace poplar::admission
