// What attackers get out of it, and what owners and memory have to bear, over hours of virtual
// time.
#include <gtest/gtest.h>

#include <queue>
#include <string>
#include <vector>

#include "proxy/admission/login_penalty.h"
#include "tests/unit/proxy/admission/addresses.h"

namespace poplar::admission {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr io::Time kStart = io::Time(hours(100));

// Connections of an attacker's that guess without a pause: each waits out its delay, has its guess
// refused, and begins again; one that is refused at once comes back a second later.
class Siege {
 public:
  explicit Siege(LoginPenalty& penalty, const PenaltyRules& rules)
      : penalty_(penalty), rules_(rules) {}

  void Add(const io::Address& from, int connections) {
    for (int i = 0; i < connections; ++i) Push(kStart, from, {});
  }

  // Until then or until so many guesses were let through.
  void Run(io::Time end, int guesses_max, const std::string& victim) {
    while (!pending_.empty() && pending_.top().at < end && guesses_ < guesses_max) {
      const Attempt attempt = pending_.top();
      pending_.pop();
      now_ = attempt.at;
      if (attempt.holds_place) {
        waits_[attempt.wait].Leave();
        Guess(attempt.from, victim);
        continue;
      }
      LoginPenalty::Wait wait = penalty_.Before(rules_, attempt.from, victim, now_);
      if (wait.refused()) {
        ++refused_;
        Push(now_ + seconds(1), attempt.from, {});
      } else if (wait.delay() > io::Duration::zero()) {
        waits_.push_back(std::move(wait));
        pending_.push({now_ + waits_.back().delay(), attempt.from, true, waits_.size() - 1});
      } else {
        Guess(attempt.from, victim);
      }
    }
  }

  int guesses() const { return guesses_; }
  int refused() const { return refused_; }
  io::Time now() const { return now_; }

 private:
  struct Attempt {
    io::Time at;
    io::Address from;
    bool holds_place = false;
    size_t wait = 0;
    bool operator<(const Attempt& other) const { return at > other.at; }
  };
  void Push(io::Time at, const io::Address& from, Attempt attempt) {
    attempt.at = at;
    attempt.from = from;
    pending_.push(attempt);
  }
  void Guess(const io::Address& from, const std::string& victim) {
    penalty_.Rejected(rules_, from, victim, static_cast<uint64_t>(++guesses_) << 32, now_);
    Push(now_ + milliseconds(100), from, {});
  }

  LoginPenalty& penalty_;
  const PenaltyRules& rules_;
  std::priority_queue<Attempt> pending_;
  std::vector<LoginPenalty::Wait> waits_;
  io::Time now_ = kStart;
  int guesses_ = 0;
  int refused_ = 0;
};

// 50 addresses with 20 connections each against one user for an hour, who polls every minute
// meanwhile from an address of his own and from one of the attackers'.
TEST(LoginPenaltyAttack, GuessesCrawlAndOwnersDoNotNotice) {
  LoginPenalty penalty(4711);
  const PenaltyRules rules{.enabled = true};
  const io::Address shared = Numbered(0x0a000000);
  const io::Address own = At("192.0.2.1");
  penalty.Succeeded(rules, shared, "bob", kStart);
  Siege siege(penalty, rules);
  for (uint32_t i = 0; i < 50; ++i) siege.Add(Numbered(0x0a000000 + i), 20);
  int polls = 0;
  for (io::Time now = kStart; now < kStart + hours(1); now += minutes(1)) {
    siege.Run(now + minutes(1), 1'000'000, "anna");
    for (const auto& [from, user] : {std::pair(own, "anna"), {own, "bob"}, {shared, "bob"}}) {
      const LoginPenalty::Wait wait = penalty.Before(rules, from, user, now + minutes(1));
      EXPECT_FALSE(wait.refused());
      EXPECT_EQ(wait.delay(), io::Duration::zero());
      penalty.Succeeded(rules, from, user, now + minutes(1));
      ++polls;
    }
  }
  EXPECT_EQ(polls, 180);
  // A quarter of 20 at a time wait 15 s each: 1,200 an hour and address. Without it, 50 addresses
  // with 20 connections would have tried 36 million.
  EXPECT_LT(siege.guesses(), 50 * 1300);
  EXPECT_GT(siege.guesses(), 50 * 1000);
  EXPECT_GT(siege.refused(), 0);
}

TEST(LoginPenaltyAttack, TenThousandGuessesTakeTheirTime) {
  LoginPenalty penalty(4711);
  const PenaltyRules rules{.enabled = true};
  Siege siege(penalty, rules);
  for (uint32_t i = 0; i < 50; ++i) siege.Add(Numbered(0x0a000000 + i), 1);
  siege.Run(kStart + hours(24), 10'000, "anna");
  EXPECT_EQ(siege.guesses(), 10'000);
  EXPECT_GT(siege.now() - kStart, minutes(45));
}

// A million addresses, a guess each: memory stays, and the worst are not forgotten for them.
TEST(LoginPenaltyAttack, AMillionAddressesDoNotHideTheWorst) {
  LoginPenalty penalty(4711);
  const PenaltyRules rules{.enabled = true};
  const io::Address worst = At("192.0.2.1");
  for (uint64_t i = 1; i <= 30; ++i) penalty.Rejected(rules, worst, "anna", i << 32, kStart);
  penalty.Succeeded(rules, worst, "bob", kStart);
  io::Time now = kStart;
  for (uint32_t i = 0; i < 1'000'000; ++i) {
    now += std::chrono::microseconds(100);
    penalty.Rejected(rules, Numbered(0x0a000000 + i), "anna", uint64_t{i} << 32, now);
  }
  size_t remembered = 0;
  for (uint32_t i = 0; i < 1'000'000; ++i) {
    remembered +=
        penalty.Before(rules, Numbered(0x0a000000 + i), "anna", now).delay() > io::Duration::zero();
  }
  EXPECT_LE(remembered, kPenaltyPairsMax);
  EXPECT_GT(remembered, kPenaltyPairsMax * 9 / 10);
  EXPECT_EQ(penalty.Before(rules, worst, "anna", now).delay(), rules.longest);
  EXPECT_EQ(penalty.Before(rules, worst, "carol", now).delay(), rules.longest);
  EXPECT_EQ(penalty.Before(rules, worst, "bob", now).delay(), io::Duration::zero());
}

// Whoever guesses adds nothing to the table of those who are known.
TEST(LoginPenaltyAttack, KnownUsersAreRememberedUpToTheirBound) {
  LoginPenalty penalty(4711, {.addresses = 1024, .pairs = 1024, .known = 2048});
  const PenaltyRules rules{.enabled = true};
  const io::Address from = At("192.0.2.1");
  constexpr int kUsers = 10'000;
  for (int i = 0; i < kUsers; ++i) {
    penalty.Succeeded(rules, from, "user" + std::to_string(i), kStart + milliseconds(i));
  }
  for (uint64_t i = 1; i <= 100; ++i) penalty.Rejected(rules, from, "anna", i << 32, kStart);
  int known = 0;
  for (int i = 0; i < kUsers; ++i) {
    known += penalty.Before(rules, from, "user" + std::to_string(i), kStart).delay() ==
             io::Duration::zero();
  }
  EXPECT_LE(known, 2048);
  EXPECT_GT(known, 2000);
}

// Nothing that is asked here goes by whether a user exists, has mail or has ever logged in
// elsewhere.
TEST(LoginPenaltyAttack, TellsNothingOfUsers) {
  LoginPenalty penalty(4711);
  const PenaltyRules rules{.enabled = true};
  penalty.Succeeded(rules, At("192.0.2.9"), "real", kStart);
  for (uint64_t i = 1; i <= 12; ++i) {
    const auto real = penalty.Before(rules, At("192.0.2.1"), "real", kStart).delay();
    const auto none = penalty.Before(rules, At("192.0.2.2"), "none", kStart).delay();
    EXPECT_EQ(real, none) << i;
    penalty.Rejected(rules, At("192.0.2.1"), "real", i << 32, kStart);
    penalty.Rejected(rules, At("192.0.2.2"), "none", i << 32, kStart);
  }
}

}  // namespace
}  // namespace poplar::admission
