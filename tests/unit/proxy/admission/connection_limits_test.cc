#include "proxy/admission/connection_limits.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/proxy/admission/addresses.h"

namespace poplar::admission {
namespace {

using Place = ConnectionLimits::Place;
using std::chrono::seconds;

constexpr io::Time kStart = io::Time(std::chrono::hours(1));

struct Doorman {
  Policy policy;
  ConnectionLimits limits{4711};
  io::Time now = kStart;
  std::vector<Place> inside;

  // "" for one that came in and stays.
  std::string Comes(std::string_view host) {
    auto place = limits.Admit(policy, now);
    if (!place) return std::string(Name(place.error()));
    if (const auto refusal = place->Identify(policy, {}, At(host), now))
      return std::string(Name(*refusal));
    inside.push_back(std::move(*place));
    return "";
  }
};

TEST(ConnectionLimits, HaveNoLimitWhereNoneIsSet) {
  Doorman door;
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(door.Comes("192.0.2.1"), "");
  EXPECT_EQ(door.limits.sessions(), 1000);
  EXPECT_EQ(door.limits.unauthenticated(), 1000);
  EXPECT_FALSE(door.limits.TooManyUnauthenticated(door.policy));
  door.inside.clear();
  EXPECT_EQ(door.limits.sessions(), 0);
  EXPECT_EQ(door.limits.unauthenticated(), 0);
}

TEST(ConnectionLimits, BoundAllTogether) {
  Doorman door;
  door.policy.connections.sessions = 2;
  door.policy.trusted = Networks({"192.0.2.0/24"});
  EXPECT_EQ(door.Comes("192.0.2.1"), "");
  EXPECT_EQ(door.Comes("192.0.2.2"), "");
  EXPECT_EQ(door.Comes("192.0.2.3"), "limit");
  door.inside.pop_back();
  EXPECT_EQ(door.Comes("192.0.2.3"), "");
}

TEST(ConnectionLimits, BoundAnAddressAndItsNetwork) {
  Doorman door;
  door.policy.connections.per_address = 2;
  door.policy.connections.per_network = 3;
  EXPECT_EQ(door.Comes("192.0.2.1"), "");
  EXPECT_EQ(door.Comes("::ffff:192.0.2.1"), "");
  EXPECT_EQ(door.Comes("192.0.2.1"), "address_limit");
  EXPECT_EQ(door.Comes("192.0.2.2"), "");
  EXPECT_EQ(door.Comes("192.0.2.3"), "network_limit");
  EXPECT_EQ(door.Comes("192.0.3.3"), "");
  EXPECT_EQ(door.Comes("2001:db8::1"), "");
  EXPECT_EQ(door.Comes("2001:db8::2"), "");
  EXPECT_EQ(door.Comes("2001:db8::3"), "address_limit");
  EXPECT_EQ(door.Comes("2001:db8:0:1::1"), "");
  EXPECT_EQ(door.Comes("2001:db8:0:2::1"), "network_limit");
  EXPECT_EQ(door.Comes("2001:db8:1::1"), "");
}

// Whoever was refused leaves no trace.
TEST(ConnectionLimits, ForgetEverythingOfThoseWhoHaveGone) {
  Doorman door;
  door.policy.connections = {.per_address = 1, .per_network = 2, .unauthenticated_per_address = 1};
  EXPECT_EQ(door.Comes("192.0.2.1"), "");
  EXPECT_EQ(door.Comes("192.0.2.2"), "");
  EXPECT_EQ(door.Comes("192.0.2.2"), "address_limit");
  EXPECT_EQ(door.Comes("192.0.2.3"), "network_limit");
  EXPECT_EQ(door.limits.groups(), 3u);
  EXPECT_EQ(door.limits.sessions(), 2);
  door.inside[0].LeaveUnauthenticated();
  door.inside.clear();
  EXPECT_EQ(door.limits.groups(), 0u);
  EXPECT_EQ(door.limits.sessions(), 0);
  EXPECT_EQ(door.limits.unauthenticated(), 0);
}

TEST(ConnectionLimits, BoundThoseNotLoggedInForThemselves) {
  Doorman door;
  door.policy.connections.unauthenticated_per_address = 2;
  EXPECT_EQ(door.Comes("192.0.2.1"), "");
  EXPECT_EQ(door.Comes("192.0.2.1"), "");
  EXPECT_EQ(door.Comes("192.0.2.1"), "address_unauthenticated");
  door.inside[0].LeaveUnauthenticated();
  door.inside[0].LeaveUnauthenticated();  // once is enough
  EXPECT_EQ(door.Comes("192.0.2.1"), "");
  EXPECT_EQ(door.Comes("192.0.2.1"), "address_unauthenticated");
  EXPECT_EQ(door.limits.unauthenticated(), 2);
  EXPECT_EQ(door.limits.sessions(), 3);
}

TEST(ConnectionLimits, SayWhenSomebodyUnauthenticatedHasToGo) {
  Doorman door;
  door.policy.connections.unauthenticated = 2;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(door.Comes("192.0.2.1"), "");
  EXPECT_FALSE(door.limits.TooManyUnauthenticated(door.policy));
  EXPECT_EQ(door.Comes("192.0.2.1"), "");
  EXPECT_TRUE(door.limits.TooManyUnauthenticated(door.policy));
  door.inside[0].LeaveUnauthenticated();
  EXPECT_FALSE(door.limits.TooManyUnauthenticated(door.policy));
}

TEST(ConnectionLimits, BoundTheRateOfAll) {
  Doorman door;
  door.policy.connections.rate = {.count = 3, .period = seconds(1)};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(door.Comes("192.0.2.1"), "");
  EXPECT_EQ(door.Comes("192.0.2.2"), "rate");
  EXPECT_EQ(door.limits.sessions(), 3);
  door.now += std::chrono::milliseconds(334);
  EXPECT_EQ(door.Comes("192.0.2.2"), "");
  EXPECT_EQ(door.Comes("192.0.2.2"), "rate");
}

TEST(ConnectionLimits, BoundTheRateOfAnAddress) {
  Doorman door;
  door.policy.connections.rate_per_address = {.count = 2, .period = seconds(60)};
  for (int i = 0; i < 2; ++i) EXPECT_EQ(door.Comes("2001:db8::1"), "");
  EXPECT_EQ(door.Comes("2001:db8::ffff"), "address_rate");
  EXPECT_EQ(door.Comes("2001:db8:0:1::1"), "");
  door.now += seconds(31);
  EXPECT_EQ(door.Comes("2001:db8::2"), "");
  EXPECT_EQ(door.Comes("2001:db8::2"), "address_rate");
}

// At the world's very beginning, too.
TEST(ConnectionLimits, ANewAddressHasItsWholeRate) {
  Doorman door;
  door.now = io::Time();
  door.policy.connections.rate_per_address = {.count = 2, .period = seconds(60)};
  for (int i = 0; i < 2; ++i) EXPECT_EQ(door.Comes("192.0.2.1"), "");
  EXPECT_EQ(door.Comes("192.0.2.1"), "address_rate");
}

TEST(ConnectionLimits, TheTrustedAreCountedWithAllButNotByAddress) {
  Doorman door;
  door.policy.trusted = Networks({"192.0.2.0/24"});
  door.policy.connections = {.sessions = 5,
                             .per_address = 1,
                             .per_network = 1,
                             .unauthenticated_per_address = 1,
                             .rate_per_address = {.count = 1}};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(door.Comes("192.0.2.1"), "");
  EXPECT_EQ(door.limits.groups(), 0u);
  EXPECT_EQ(door.Comes("192.0.2.1"), "limit");
}

TEST(ConnectionLimits, EveryListMustAdmit) {
  Doorman door;
  door.policy.access.deny = Networks({"192.0.2.1"});
  AccessList listener;
  listener.allow = Networks({"192.0.2.0/24"});
  AccessList cluster;
  cluster.deny = Networks({"192.0.2.2"});
  const auto judge = [&](std::string_view host) {
    auto place = door.limits.Admit(door.policy, door.now);
    const auto refusal =
        place->Identify(door.policy, {&listener, nullptr, &cluster}, At(host), door.now);
    return std::string(refusal ? Name(*refusal) : "");
  };
  EXPECT_EQ(judge("192.0.2.1"), "denied");
  EXPECT_EQ(judge("192.0.2.2"), "denied");
  EXPECT_EQ(judge("192.0.3.1"), "denied");
  EXPECT_EQ(judge("192.0.2.3"), "");
  // Trust is no admission.
  door.policy.trusted = Networks({"192.0.2.2"});
  EXPECT_EQ(judge("192.0.2.2"), "denied");
}

TEST(ConnectionLimits, APlaceThatMovesIsCountedOnce) {
  Doorman door;
  door.policy.connections.per_address = 1;
  EXPECT_EQ(door.Comes("192.0.2.1"), "");
  Place moved = std::move(door.inside[0]);
  door.inside.clear();
  EXPECT_EQ(door.limits.sessions(), 1);
  EXPECT_EQ(door.Comes("192.0.2.1"), "address_limit");
  moved = Place();
  EXPECT_EQ(door.limits.sessions(), 0);
  EXPECT_EQ(door.limits.groups(), 0u);
}

// As a proxy in front says for whom it speaks, once and again.
TEST(ConnectionLimits, APlaceThatIsIdentifiedAgainIsCountedOnlyThere) {
  Doorman door;
  door.policy.connections = {.per_address = 1, .per_network = 1, .unauthenticated_per_address = 1};
  EXPECT_EQ(door.Comes("192.0.2.1"), "");
  for (const char* host : {"198.51.100.1", "198.51.100.1", "203.0.113.1"})
    EXPECT_FALSE(door.inside[0].Identify(door.policy, {}, At(host), door.now));
  EXPECT_EQ(door.limits.groups(), 2u);
  EXPECT_EQ(door.Comes("192.0.2.1"), "");
  EXPECT_EQ(door.Comes("203.0.113.1"), "address_limit");
  door.inside.clear();
  EXPECT_EQ(door.limits.groups(), 0u);
}

// What is remembered of rates stays where it is, however many addresses come.
TEST(ConnectionLimits, RememberNoMoreRatesThanTheyHaveRoomFor) {
  Doorman door;
  door.policy.connections.rate_per_address = {.count = 1, .period = seconds(60)};
  constexpr uint32_t kMany = 1'000'000;
  for (uint32_t i = 0; i < kMany; ++i) {
    auto place = door.limits.Admit(door.policy, door.now);
    ASSERT_FALSE(place->Identify(door.policy, {}, Numbered(0x0a000000 + i), door.now));
  }
  size_t remembered = 0;
  for (uint32_t i = 0; i < kMany; ++i) {
    auto place = door.limits.Admit(door.policy, door.now);
    remembered += place->Identify(door.policy, {}, Numbered(0x0a000000 + i), door.now).has_value();
  }
  EXPECT_GT(remembered, 0u);
  EXPECT_LE(remembered, kRatedAddressesMax);
}

}  // namespace
}  // namespace poplar::admission
