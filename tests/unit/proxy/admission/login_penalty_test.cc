#include "proxy/admission/login_penalty.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/proxy/admission/addresses.h"

namespace poplar::admission {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr io::Duration kNone = io::Duration::zero();

struct Guard {
  PenaltyRules rules{.enabled = true};
  LoginPenalty penalty{4711};
  io::Time now = io::Time(hours(100));
  uint64_t next_secret = 1;

  io::Duration Delay(std::string_view host, std::string_view user) {
    const LoginPenalty::Wait wait = penalty.Before(rules, At(host), user, now);
    EXPECT_FALSE(wait.refused());
    return wait.delay();
  }
  void Wrong(std::string_view host, std::string_view user, uint64_t secret) {
    penalty.Rejected(rules, At(host), user, secret << 32, now);
  }
  // Each with a secret of its own.
  void WrongTimes(std::string_view host, std::string_view user, int times) {
    for (int i = 0; i < times; ++i) Wrong(host, user, next_secret++);
  }
  void Good(std::string_view host, std::string_view user) {
    penalty.Succeeded(rules, At(host), user, now);
  }
};

TEST(LoginPenalty, CountsForAllWhoShareTheKey) {
  Guard here;
  Guard there;
  std::vector<PenaltyNote> told;
  here.penalty.OnCounted([&](const PenaltyNote& note) { told.push_back(note); });
  here.WrongTimes("192.0.2.1", "anna", 2);
  here.Wrong("192.0.2.1", "anna", 1);  // again: it counts for nothing
  ASSERT_EQ(told.size(), 2U);
  for (const PenaltyNote& note : told) there.penalty.Apply(there.rules, note, here.now);
  EXPECT_EQ(there.Delay("192.0.2.1", "anna"), here.Delay("192.0.2.1", "anna"));
  EXPECT_EQ(there.Delay("192.0.2.2", "anna"), kNone);
  here.Good("192.0.2.1", "anna");
  ASSERT_EQ(told.size(), 3U);
  EXPECT_TRUE(told[2].cleared);
  there.penalty.Apply(there.rules, told[2], here.now);
  EXPECT_EQ(there.Delay("192.0.2.1", "anna"), kNone);
  here.Good("192.0.2.1", "anna");
  EXPECT_EQ(told.size(), 3U);  // nothing was left to clear
}

TEST(LoginPenalty, OldNotesCountAsWhatIsLeftOfThem) {
  Guard guard;
  LoginPenalty other(4711);
  std::vector<PenaltyNote> told;
  other.OnCounted([&](const PenaltyNote& note) { told.push_back(note); });
  other.Rejected(guard.rules, At("192.0.2.1"), "anna", std::nullopt, guard.now);
  ASSERT_EQ(told.size(), 1U);
  guard.penalty.Apply(guard.rules, told[0], guard.now - hours(2));
  EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), kNone);
  guard.penalty.Apply(guard.rules, told[0], guard.now);
  EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), seconds(2));
}

TEST(LoginPenalty, GrowsForTheUserAtTheAddress) {
  Guard guard;
  EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), kNone);
  for (const int expected : {2, 4, 8, 15, 15, 15}) {
    guard.WrongTimes("192.0.2.1", "anna", 1);
    EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), seconds(expected));
  }
}

// The pair fires first: neither other users there nor the user elsewhere notice.
TEST(LoginPenalty, TouchesNobodyElseAtFirst) {
  Guard guard;
  guard.WrongTimes("192.0.2.1", "anna", 5);
  EXPECT_EQ(guard.Delay("192.0.2.1", "bob"), kNone);
  EXPECT_EQ(guard.Delay("192.0.2.2", "anna"), kNone);
  guard.WrongTimes("192.0.2.1", "anna", 1);
  EXPECT_EQ(guard.Delay("192.0.2.1", "bob"), seconds(2));
  EXPECT_EQ(guard.Delay("192.0.2.2", "anna"), kNone);
}

TEST(LoginPenalty, AWholeAddressThatGuessesWaits) {
  Guard guard;
  for (int i = 0; i < 5; ++i) guard.WrongTimes("192.0.2.1", "user" + std::to_string(i), 1);
  EXPECT_EQ(guard.Delay("192.0.2.1", "another"), kNone);
  for (const int expected : {2, 4, 8, 15, 15}) {
    guard.WrongTimes("192.0.2.1", "other" + std::to_string(expected), 1);
    EXPECT_EQ(guard.Delay("192.0.2.1", "another"), seconds(expected));
  }
}

TEST(LoginPenalty, CountsTheSameWrongSecretOnce) {
  Guard guard;
  for (int i = 0; i < 100; ++i) guard.Wrong("192.0.2.1", "anna", 7);
  EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), seconds(2));
  EXPECT_EQ(guard.Delay("192.0.2.1", "bob"), kNone);
  // Another's phone with the same old password is another one's mistake.
  guard.Wrong("192.0.2.1", "bob", 7);
  EXPECT_EQ(guard.Delay("192.0.2.1", "bob"), seconds(2));
}

TEST(LoginPenalty, RemembersTheLastTenSecrets) {
  Guard guard;
  guard.rules.first = guard.rules.longest = seconds(1);
  for (uint64_t secret = 1; secret <= 10; ++secret) guard.Wrong("192.0.2.1", "anna", secret);
  const auto failures = [&] {  // by what is left of them in time
    int steps = 0;
    const io::Time before = guard.now;
    while (guard.Delay("192.0.2.1", "anna") > kNone) {
      guard.now += minutes(2);
      ++steps;
    }
    guard.now = before;
    return steps;
  };
  EXPECT_EQ(failures(), 10);
  for (uint64_t secret = 1; secret <= 10; ++secret) guard.Wrong("192.0.2.1", "anna", secret);
  EXPECT_EQ(failures(), 10);
  guard.Wrong("192.0.2.1", "anna", 11);  // pushes out the one that wasn't used for longest: 1
  EXPECT_EQ(failures(), 11);
  guard.Wrong("192.0.2.1", "anna", 2);
  EXPECT_EQ(failures(), 11);
  guard.Wrong("192.0.2.1", "anna", 1);
  EXPECT_EQ(failures(), 12);
}

TEST(LoginPenalty, CountsEachSecretItCantSee) {
  Guard guard;
  for (int i = 0; i < 3; ++i)
    guard.penalty.Rejected(guard.rules, At("192.0.2.1"), "anna", std::nullopt, guard.now);
  EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), seconds(8));
}

TEST(LoginPenalty, AGoodLoginEndsTheUsersOwnPenaltyThere) {
  Guard guard;
  guard.WrongTimes("192.0.2.1", "anna", 4);
  guard.Good("192.0.2.2", "anna");
  EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), seconds(15));
  guard.Good("192.0.2.1", "anna");
  EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), kNone);
}

// Whoever has an account can't buy his address free by it.
TEST(LoginPenalty, AGoodLoginDoesNotEndTheAddresses) {
  Guard guard;
  guard.WrongTimes("192.0.2.1", "anna", 20);
  guard.Good("192.0.2.1", "mallory");
  EXPECT_EQ(guard.Delay("192.0.2.1", "bob"), seconds(15));
}

TEST(LoginPenalty, AKnownUserDoesNotWaitForTheOthers) {
  Guard guard;
  guard.Good("192.0.2.1", "bob");
  guard.WrongTimes("192.0.2.1", "anna", 100);
  EXPECT_EQ(guard.Delay("192.0.2.1", "bob"), kNone);
  EXPECT_EQ(guard.Delay("192.0.2.1", "carol"), seconds(15));
  guard.now += hours(24);
  guard.WrongTimes("192.0.2.1", "anna", 100);
  EXPECT_EQ(guard.Delay("192.0.2.1", "bob"), seconds(15));
}

TEST(LoginPenalty, AKnownUserMayMistypeButNotGuess) {
  Guard guard;
  guard.Good("192.0.2.1", "bob");
  guard.WrongTimes("192.0.2.1", "bob", 10);
  EXPECT_EQ(guard.Delay("192.0.2.1", "bob"), kNone);
  for (const int expected : {2, 4, 8, 15}) {
    guard.WrongTimes("192.0.2.1", "bob", 1);
    EXPECT_EQ(guard.Delay("192.0.2.1", "bob"), seconds(expected));
  }
}

TEST(LoginPenalty, KnowsNobodyWhereThatIsOff) {
  Guard guard;
  guard.rules.known_for = kNone;
  guard.Good("192.0.2.1", "bob");
  guard.WrongTimes("192.0.2.1", "bob", 1);
  EXPECT_EQ(guard.Delay("192.0.2.1", "bob"), seconds(2));
}

TEST(LoginPenalty, ForgetsStepByStep) {
  Guard guard;
  guard.WrongTimes("192.0.2.1", "anna", 3);
  EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), seconds(8));
  guard.now += minutes(2);
  EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), seconds(4));
  guard.now += minutes(4);
  EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), kNone);
}

TEST(LoginPenalty, ForgetsAllInTime) {
  Guard guard;
  guard.WrongTimes("192.0.2.1", "anna", 10'000);
  guard.now += minutes(59);
  EXPECT_EQ(guard.Delay("192.0.2.1", "bob"), kNone);
  EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), seconds(2));
  guard.now += minutes(1);
  EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), kNone);
}

TEST(LoginPenalty, TakesAnIpv6NetworkForOneAddress) {
  Guard guard;
  guard.WrongTimes("2001:db8::1", "anna", 3);
  EXPECT_EQ(guard.Delay("2001:db8::2", "anna"), seconds(8));
  EXPECT_EQ(guard.Delay("2001:db8:0:1::1", "anna"), kNone);
  guard.WrongTimes("::ffff:192.0.2.1", "anna", 3);
  EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), seconds(8));
  EXPECT_EQ(guard.Delay("::ffff:192.0.2.2", "anna"), kNone);
}

TEST(LoginPenalty, LeavesTheTrustedAlone) {
  Guard guard;
  guard.rules.trusted = Networks({"192.0.2.0/24"});
  guard.WrongTimes("192.0.2.1", "anna", 100);
  EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), kNone);
  guard.rules.trusted = {};
  EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), kNone);  // nothing was counted either
}

TEST(LoginPenalty, DoesNothingWhereItIsOff) {
  Guard guard;
  guard.WrongTimes("192.0.2.1", "anna", 100);
  guard.rules.enabled = false;
  EXPECT_EQ(guard.Delay("192.0.2.1", "anna"), kNone);
}

// A quarter of the places at most is for one user, so that who attacks one user doesn't take the
// others' places.
TEST(LoginPenalty, BoundsThoseThatWait) {
  Guard guard;
  guard.rules.waiting_per_address = 8;
  guard.WrongTimes("192.0.2.1", "anna", 20);
  std::vector<LoginPenalty::Wait> waits;
  const auto comes = [&](std::string_view user) {
    LoginPenalty::Wait wait = guard.penalty.Before(guard.rules, At("192.0.2.1"), user, guard.now);
    if (wait.refused()) return false;
    waits.push_back(std::move(wait));
    return true;
  };
  EXPECT_TRUE(comes("anna"));
  EXPECT_TRUE(comes("anna"));
  EXPECT_FALSE(comes("anna"));
  for (const char* user : {"b", "c", "d", "e", "f", "g"}) EXPECT_TRUE(comes(user)) << user;
  EXPECT_FALSE(comes("h"));
  waits.pop_back();
  EXPECT_TRUE(comes("h"));
  EXPECT_FALSE(comes("anna"));
  waits.erase(waits.begin());
  EXPECT_TRUE(comes("anna"));
  waits.clear();
  for (const char* user : {"b", "c", "d", "e", "f", "g", "h", "i"}) EXPECT_TRUE(comes(user));
}

// Those whom the address owes nothing to wait in no one's place.
TEST(LoginPenalty, AKnownUserIsNotRefusedForTheOthers) {
  Guard guard;
  guard.rules.waiting_per_address = 4;
  guard.Good("192.0.2.1", "bob");
  guard.WrongTimes("192.0.2.1", "bob", 11);
  guard.WrongTimes("192.0.2.1", "anna", 20);
  std::vector<LoginPenalty::Wait> waits;
  for (const char* user : {"a", "b", "c", "d"})
    waits.push_back(guard.penalty.Before(guard.rules, At("192.0.2.1"), user, guard.now));
  EXPECT_TRUE(guard.penalty.Before(guard.rules, At("192.0.2.1"), "e", guard.now).refused());
  EXPECT_EQ(guard.Delay("192.0.2.1", "bob"), seconds(2));
}

TEST(LoginPenalty, APlaceIsGivenUpOnce) {
  Guard guard;
  guard.rules.waiting_per_address = 4;
  guard.WrongTimes("192.0.2.1", "anna", 1);
  const auto before = [&] {
    return guard.penalty.Before(guard.rules, At("192.0.2.1"), "anna", guard.now);
  };
  LoginPenalty::Wait first = before();
  EXPECT_TRUE(before().refused());
  LoginPenalty::Wait moved = std::move(first);
  EXPECT_TRUE(before().refused());
  moved.Leave();
  moved.Leave();
  LoginPenalty::Wait second = before();
  EXPECT_FALSE(second.refused());
  EXPECT_TRUE(before().refused());
}

}  // namespace
}  // namespace poplar::admission
