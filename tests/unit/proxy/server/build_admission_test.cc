#include "proxy/server/build_admission.h"

#include <gtest/gtest.h>

#include <string>

#include "proxy/config/network_text.h"

namespace poplar::server {
namespace {

using admission::Deletes;
using std::chrono::minutes;
using std::chrono::seconds;

io::Address At(std::string_view host) { return *io::Address::Parse(host, 0); }

TEST(BuildAdmission, TheDefaultsAreGenerous) {
  const admission::Policy policy = *BuildAdmission({});
  EXPECT_TRUE(policy.access.Admits(At("192.0.2.1")));
  EXPECT_TRUE(policy.trusted.Contains(At("127.0.0.1")));
  EXPECT_TRUE(policy.trusted.Contains(At("::1")));
  EXPECT_FALSE(policy.trusted.Contains(At("192.0.2.1")));
  EXPECT_EQ(policy.connections.sessions, 100'000);
  EXPECT_EQ(policy.connections.unauthenticated, 10'000);
  EXPECT_EQ(policy.connections.per_address, 1000u);
  EXPECT_EQ(policy.connections.per_network, 0u);
  EXPECT_EQ(policy.connections.unauthenticated_per_address, 100u);
  EXPECT_FALSE(policy.connections.rate);
  EXPECT_FALSE(policy.connections.rate_per_address);
  EXPECT_FALSE(policy.pace);
  EXPECT_TRUE(policy.penalty.enabled);
  EXPECT_EQ(policy.penalty.first, seconds(2));
  EXPECT_EQ(policy.penalty.longest, seconds(15));
  EXPECT_TRUE(policy.penalty.trusted.Contains(At("127.0.0.1")));
  EXPECT_EQ(policy.penalty.address_bits.ipv4, 32);
  EXPECT_EQ(policy.penalty.address_bits.ipv6, 64);
}

TEST(BuildAdmission, TakesEverySetting) {
  config::Config config;
  config.limits.sessions = 7;
  config.admission = {.access = {{"192.0.2.0/24"}, {"192.0.2.1"}},
                      .trusted = {"192.0.2.2"},
                      .address_bits_ipv6 = 56,
                      .network_bits_ipv4 = 20,
                      .network_bits_ipv6 = 40,
                      .connections_per_address = 1,
                      .connections_per_network = 2,
                      .unauthenticated = 3,
                      .unauthenticated_per_address = 4,
                      .connection_rate = 5,
                      .connection_rate_per_address = 6,
                      .command_rate = 8,
                      .byte_rate = config::KiB(64),
                      .login_delay = {.enabled = false,
                                      .first = seconds(1),
                                      .longest = seconds(3),
                                      .address_allowance = 9,
                                      .waiting_per_address = 10,
                                      .forget_after = seconds(11),
                                      .known_for = seconds(12)}};
  const admission::Policy policy = *BuildAdmission(config);
  EXPECT_TRUE(policy.access.Admits(At("192.0.2.2")));
  EXPECT_FALSE(policy.access.Admits(At("192.0.2.1")));
  EXPECT_FALSE(policy.access.Admits(At("192.0.3.1")));
  EXPECT_FALSE(policy.trusted.Contains(At("127.0.0.1")));
  EXPECT_EQ(policy.address_bits.ipv6, 56);
  EXPECT_EQ(policy.network_bits.ipv4, 20);
  EXPECT_EQ(policy.network_bits.ipv6, 40);
  EXPECT_EQ(policy.connections.sessions, 7);
  EXPECT_EQ(policy.connections.per_address, 1u);
  EXPECT_EQ(policy.connections.per_network, 2u);
  EXPECT_EQ(policy.connections.unauthenticated, 3);
  EXPECT_EQ(policy.connections.unauthenticated_per_address, 4u);
  EXPECT_EQ(policy.connections.rate.TimeOf(5), seconds(1));
  EXPECT_EQ(policy.connections.rate_per_address.TimeOf(6), minutes(1));
  EXPECT_EQ(policy.pace.commands.TimeOf(8), seconds(1));
  EXPECT_EQ(policy.pace.bytes.TimeOf(64 * 1024), seconds(1));
  EXPECT_FALSE(policy.penalty.enabled);
  EXPECT_EQ(policy.penalty.first, seconds(1));
  EXPECT_EQ(policy.penalty.longest, seconds(3));
  EXPECT_EQ(policy.penalty.address_allowance, 9);
  EXPECT_EQ(policy.penalty.waiting_per_address, 10);
  EXPECT_EQ(policy.penalty.forget_after, seconds(11));
  EXPECT_EQ(policy.penalty.known_for, seconds(12));
  EXPECT_EQ(policy.penalty.address_bits.ipv6, 56);
}

TEST(BuildAdmission, ADelayLeavesTimeToLogIn) {
  config::Config config;
  config.timeouts.login = seconds(2);
  const admission::Policy policy = *BuildAdmission(config);
  EXPECT_EQ(policy.penalty.longest, seconds(1));
  EXPECT_EQ(policy.penalty.first, seconds(1));
}

TEST(BuildAdmission, NamesWhatIsNoNetwork) {
  config::Config config;
  config.admission.access.deny = {"x"};
  EXPECT_EQ(BuildAdmission(config).error(), "admission.access.deny: x is no network");
  config.admission.access = {};
  config.admission.trusted = {"192.0.2.1/24"};
  EXPECT_EQ(BuildAdmission(config).error(), "admission.trusted: 192.0.2.1/24 is no network");
}

TEST(BuildClusterPolicy, CompletesNamesAsLoginsAre) {
  const config::ClusterConfig from{
      .name = "mail",
      .access = {{}, {"192.0.2.1"}},
      .retention = {config::Deletes::kDeny, {"Anna"}, {"@Kept.example"}, {"anna@kept.example"}}};
  const session::ClusterPolicy policy =
      *BuildClusterPolicy(from, {.default_domain = "example.org"});
  EXPECT_FALSE(policy.access.Admits(At("192.0.2.1")));
  EXPECT_EQ(policy.retention.Of("anna@example.org"), Deletes::kAllowed);
  EXPECT_EQ(policy.retention.Of("bob@kept.example"), Deletes::kKept);
  EXPECT_EQ(policy.retention.Of("anna@kept.example"), Deletes::kDenied);
  EXPECT_EQ(policy.retention.Of("bob@example.org"), Deletes::kDenied);
}

// What `poplar check` lets through must work, and the other way round.
TEST(CheckNetworkText, AgreesWithWhatIsBuilt) {
  for (const char* text : {"192.0.2.1",
                           "192.0.2.0/24",
                           "192.0.2.1/24",
                           "192.0.2.0/33",
                           "192.0.2.0/",
                           "0.0.0.0/0",
                           "",
                           "/",
                           "x",
                           "::/0",
                           "::1",
                           "[::1]",
                           "2001:db8::/32",
                           "2001:db8::1/32",
                           "2001:db8::/129",
                           "::ffff:192.0.2.1",
                           "::ffff:192.0.2.0/120",
                           "1.2.3",
                           "1.2.3.4/-1",
                           "1.2.3.4/ 8",
                           "1.2.3.4/32/8",
                           "10.0.0.0/08"}) {
    EXPECT_EQ(config::CheckNetworkText(text).has_value(), io::Network::Parse(text).has_value())
        << text;
  }
}

}  // namespace
}  // namespace poplar::server
