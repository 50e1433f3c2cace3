// DESIGN section 4: parked sessions "serve only the same user on the same node, with the same
// credential as the node itself accepted, the same UTF8/LANG state, while the snapshot's age,
// counted from the node's answer to the login, is below pool.max_snapshot_age".
#include "balancer/parked_session.h"

#include <gtest/gtest.h>

#include <chrono>

namespace poplar::balancer {
namespace {

constexpr Duration kMaxAge = std::chrono::seconds(5);
constexpr Moment kLogin = std::chrono::seconds(100);
constexpr ClusterId kMain{0};

CredentialDigest Digest(uint8_t first, uint8_t last = 0) {
  CredentialDigest digest;
  digest.bytes.front() = first;
  digest.bytes.back() = last;
  return digest;
}

TEST(JudgeTest, EachReasonAndTheirOrder) {
  constexpr Duration kTick{1};
  const struct {
    const char* what;
    bool utf8;
    CredentialDigest presented;
    Duration age;
    ParkedVerdict verdict;
  } kCases[] = {
      {"the same in all", false, Digest(1), {}, ParkedVerdict::kServes},
      {"just young enough", false, Digest(1), kMaxAge - kTick, ParkedVerdict::kServes},
      {"just as old as allowed", false, Digest(1), kMaxAge, ParkedVerdict::kTooOld},
      {"much older", false, Digest(1), kMaxAge * 100, ParkedVerdict::kTooOld},
      {"other password", false, Digest(2), {}, ParkedVerdict::kOtherCredential},
      {"other in the last bit", false, Digest(1, 0x80), {}, ParkedVerdict::kOtherCredential},
      {"other password, old", false, Digest(2), kMaxAge, ParkedVerdict::kOtherCredential},
      {"other mode", true, Digest(1), {}, ParkedVerdict::kOtherMode},
      {"other mode and password, old", true, Digest(2), kMaxAge, ParkedVerdict::kOtherMode},
  };
  ParkedSession parked;
  parked.digest = Digest(1);
  parked.logged_in = kLogin;
  for (const auto& each : kCases) {
    EXPECT_EQ(Judge(parked, each.presented, each.utf8, kMaxAge, kLogin + each.age), each.verdict)
        << each.what;
  }
}

TEST(JudgeTest, NoAgeAllowedServesNobody) {
  ParkedSession parked;
  parked.logged_in = kLogin;
  EXPECT_EQ(Judge(parked, {}, false, Duration::zero(), kLogin), ParkedVerdict::kTooOld);
}

TEST(CredentialDigestTest, EveryBitCounts) {
  const CredentialDigest digest = Digest(0x5a, 0xa5);
  EXPECT_TRUE(digest.Matches(digest));
  for (size_t bit = 0; bit < digest.bytes.size() * 8; ++bit) {
    CredentialDigest other = digest;
    other.bytes[bit / 8] = static_cast<uint8_t>(other.bytes[bit / 8] ^ (1u << (bit % 8)));
    EXPECT_FALSE(digest.Matches(other)) << bit;
    EXPECT_FALSE(other.Matches(digest)) << bit;
  }
}

std::unique_ptr<ParkedSession> LoggedIn(int seconds, bool utf8 = false) {
  auto session = std::make_unique<ParkedSession>();
  session->logged_in = std::chrono::seconds(seconds);
  session->utf8 = utf8;  // tells two of the same age apart
  return session;
}

TEST(ParkedSessionsTest, TheOldestViewGoesFirst) {
  ParkedSessions sessions;
  for (const int seconds : {3, 1, 2, 5, 4}) {
    EXPECT_EQ(sessions.Insert({kMain, std::to_string(seconds)}, LoggedIn(seconds)), nullptr);
  }
  EXPECT_EQ(sessions.size(), 5u);
  for (int seconds = 1; seconds <= 5; ++seconds) {
    EXPECT_EQ(sessions.Oldest().logged_in, std::chrono::seconds(seconds));
    EXPECT_EQ(sessions.TakeOldest()->logged_in, std::chrono::seconds(seconds));
    EXPECT_EQ(sessions.Take({kMain, std::to_string(seconds)}), nullptr);
  }
  EXPECT_TRUE(sessions.empty());
}

TEST(ParkedSessionsTest, OneAUserTheYoungerView) {
  const struct {
    int first;
    int second;
    bool second_stays;
  } kCases[] = {{1, 2, true}, {2, 1, false}, {1, 1, true}};
  for (const auto& each : kCases) {
    ParkedSessions sessions;
    EXPECT_EQ(sessions.Insert({kMain, "alice"}, LoggedIn(each.first, false)), nullptr);
    const auto other = sessions.Insert({kMain, "alice"}, LoggedIn(each.second, true));
    ASSERT_NE(other, nullptr);
    EXPECT_EQ(other->utf8, !each.second_stays);
    EXPECT_EQ(sessions.size(), 1u);
    EXPECT_EQ(sessions.Oldest().utf8, each.second_stays);
    EXPECT_EQ(sessions.Take({kMain, "alice"})->utf8, each.second_stays);
    EXPECT_TRUE(sessions.empty());
  }
}

TEST(ParkedSessionsTest, OneNameInTwoClustersIsTwoUsers) {
  ParkedSessions sessions;
  EXPECT_EQ(sessions.Insert({kMain, "alice"}, LoggedIn(1)), nullptr);
  EXPECT_EQ(sessions.Insert({ClusterId{1}, "alice"}, LoggedIn(2)), nullptr);
  EXPECT_EQ(sessions.Take({ClusterId{2}, "alice"}), nullptr);
  EXPECT_EQ(sessions.Take({ClusterId{1}, "alice"})->logged_in, std::chrono::seconds(2));
  EXPECT_EQ(sessions.Take({kMain, "alice"})->logged_in, std::chrono::seconds(1));
}

}  // namespace
}  // namespace poplar::balancer
