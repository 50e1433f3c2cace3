#include "proxy/server/build_autoconfig.h"

#include <gtest/gtest.h>

#include <utility>

namespace poplar::server {
namespace {

using autoconfig::MailService;
using autoconfig::Proof;
using autoconfig::Security;

config::Config Sample() {
  config::Config config;
  config.listeners = {
      {.name = "stls", .address = "[::]:110", .tls = config::ListenerTls::kStls},
      {.name = "pop3s", .address = "[::]:995"},
      {.name = "inside", .address = "10.0.0.1:1110", .tls = config::ListenerTls::kNone}};
  config.autoconfig.domains = {"Example.org", "b.net"};
  return config;
}

MailService Built(const config::Config& config, std::vector<std::string> names = {"*.x", "pop.x"}) {
  auto built = BuildMailService(config, names);
  EXPECT_TRUE(built) << built.error();
  return built.value_or(MailService{});
}

TEST(BuildMailService, ConcludesWhatIsNotSaid) {
  const MailService mail = Built(Sample());
  EXPECT_EQ(mail.domains, (std::vector<std::string>{"example.org", "b.net"}));
  EXPECT_EQ(mail.server, "pop.x");
  EXPECT_EQ(mail.display_name, "example.org");
  EXPECT_TRUE(mail.full_address);
  EXPECT_FALSE(mail.has_https);
  ASSERT_EQ(mail.incoming.size(), 2U);
  EXPECT_EQ(mail.incoming[0].host, "pop.x");
  EXPECT_EQ(mail.incoming[0].port, 995);
  EXPECT_EQ(mail.incoming[0].security, Security::kTls);
  EXPECT_EQ(mail.incoming[0].proofs, std::vector{Proof::kPassword});
  EXPECT_EQ(mail.incoming[1].port, 110);
  EXPECT_EQ(mail.incoming[1].security, Security::kStartTls);
  EXPECT_TRUE(mail.outgoing.empty());
}

TEST(BuildMailService, TakesEverySetting) {
  config::Config config = Sample();
  config.listeners[2].logins = {"EXTERNAL", "SCRAM-SHA-256", "XOAUTH2"};
  config.autoconfig.listen = {{"[::]:80", false}, {"[::]:443", true}};
  config.autoconfig.server = "mail.x";
  config.autoconfig.display_name = "Mail";
  config.autoconfig.user_name = config::AutoconfigUserName::kLocalPart;
  config.autoconfig.incoming = {{"inside", 0}, {"pop3s", 1995}};
  config.autoconfig.outgoing = {
      {.host = "smtp.x"},
      {.host = "relay.x", .port = 25, .security = config::OutgoingSecurity::kNone, .login = false},
      {.host = "smtp.x", .port = 587, .security = config::OutgoingSecurity::kStartTls}};
  const MailService mail = Built(config);
  EXPECT_EQ(mail.server, "mail.x");
  EXPECT_EQ(mail.display_name, "Mail");
  EXPECT_FALSE(mail.full_address);
  EXPECT_TRUE(mail.has_https);
  ASSERT_EQ(mail.incoming.size(), 2U);
  EXPECT_EQ(mail.incoming[0].port, 1110);
  EXPECT_EQ(mail.incoming[0].security, Security::kNone);
  EXPECT_EQ(mail.incoming[0].proofs,
            (std::vector{Proof::kChallengeResponse, Proof::kToken, Proof::kCertificate}));
  EXPECT_EQ(mail.incoming[1].port, 1995);
  ASSERT_EQ(mail.outgoing.size(), 3U);
  EXPECT_EQ(mail.outgoing[0].port, 465);
  EXPECT_EQ(mail.outgoing[0].security, Security::kTls);
  EXPECT_TRUE(mail.outgoing[1].proofs.empty());
  EXPECT_EQ(mail.outgoing[2].security, Security::kStartTls);
}

TEST(BuildMailService, SaysWhatIsMissing) {
  const auto error = [](const config::Config& config, const std::vector<std::string>& names) {
    return BuildMailService(config, names).error();
  };
  config::Config config = Sample();
  EXPECT_TRUE(error(config, {}).starts_with("autoconfig.server: "));
  config.listeners.erase(config.listeners.begin(), config.listeners.begin() + 2);
  EXPECT_TRUE(error(config, {"pop.x"}).starts_with("autoconfig: no listener has TLS"));
  config.autoconfig.domains.clear();
  EXPECT_TRUE(error(config, {"pop.x"}).starts_with("autoconfig.domains: "));
}

TEST(BuildAutoconfig, IsNothingWhereNothingListens) {
  const auto built = BuildAutoconfig(Sample());
  ASSERT_TRUE(built);
  EXPECT_EQ(*built, nullptr);
}

TEST(BuildAutoconfig, NeedsGoodCertificates) {
  config::Config config = Sample();
  config.autoconfig.listen = {{"[::]:443", true}};
  config.tls.certificates = {{"/no/such.pem", ""}};
  const auto built = BuildAutoconfig(config);
  ASSERT_FALSE(built);
  EXPECT_TRUE(built.error().starts_with("tls: /no/such.pem")) << built.error();
}

}  // namespace
}  // namespace poplar::server
