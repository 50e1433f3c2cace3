#include "proxy/config/address_text.h"

#include <gtest/gtest.h>

namespace poplar::config {
namespace {

using Kind = HostPort::Kind;

TEST(ParseHostPort, TakesAddressesAndNames) {
  const struct {
    const char* text;
    Kind kind;
    const char* host;
    uint16_t port;
  } kCases[] = {
      {"192.0.2.1:110", Kind::kIpv4, "192.0.2.1", 110},
      {"0.0.0.0:0", Kind::kIpv4, "0.0.0.0", 0},
      {"[2001:db8::1]:995", Kind::kIpv6, "2001:db8::1", 995},
      {"[::]:65535", Kind::kIpv6, "::", 65535},
      {"mail-1.internal:110", Kind::kName, "mail-1.internal", 110},
      {"localhost:1", Kind::kName, "localhost", 1},
      {"mail_1:110", Kind::kName, "mail_1", 110},
  };
  for (const auto& c : kCases) {
    const auto parsed = ParseHostPort(c.text);
    ASSERT_TRUE(parsed.has_value()) << c.text << ": " << parsed.error();
    EXPECT_EQ(parsed->kind, c.kind) << c.text;
    EXPECT_EQ(parsed->host, c.host);
    EXPECT_EQ(parsed->port, c.port);
  }
}

TEST(ParseHostPort, SaysWhatIsWrong) {
  const std::pair<std::string, const char*> kCases[] = {
      {"", "\"\" has no port"},
      {"host", "\"host\" has no port"},
      {"[::1]", "\"[::1]\" has no port"},
      {"[::1]110", "\"[::1]110\" has no port"},
      {"[::1:110", "\"[::1:110\" lacks a ]"},
      {"::1:110", "\"::1:110\" has more than one colon and no brackets around an IPv6 address"},
      {"host:", "\"\" is not a port from 0 to 65535"},
      {"host:65536", "\"65536\" is not a port from 0 to 65535"},
      {"host:-1", "\"-1\" is not a port from 0 to 65535"},
      {"host:+1", "\"+1\" is not a port from 0 to 65535"},
      {"host:pop3", "\"pop3\" is not a port from 0 to 65535"},
      {"host:110 ", "\"110 \" is not a port from 0 to 65535"},
      {":110", "\"\" is neither an IP address nor a host name"},
      {"*:110", "\"*\" is neither an IP address nor a host name"},
      {"256.0.0.1:110", "\"256.0.0.1\" is neither an IP address nor a host name"},
      {"1.2.3:110", "\"1.2.3\" is neither an IP address nor a host name"},
      {"a b:110", "\"a b\" is neither an IP address nor a host name"},
      {"[]:110", "\"\" is not an IPv6 address"},
      {"[1.2.3.4]:110", "\"1.2.3.4\" is not an IPv6 address"},
      {"[host]:110", "\"host\" is not an IPv6 address"},
      {"[fe80::1%eth0]:110", "\"fe80::1%eth0\" is not an IPv6 address"},
      {std::string("1.2.3.4\0:110", 12), "\"1.2.3.4\\x00\" contains a NUL"},
      {std::string("[::1\0]:110", 10), "\"::1\\x00\" contains a NUL"},
  };
  for (const auto& [text, message] : kCases) {
    const auto parsed = ParseHostPort(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error(), message);
  }
}

TEST(IsHostName, HoldsTheLengthsAndLetters) {
  EXPECT_TRUE(IsHostName("a"));
  EXPECT_TRUE(IsHostName("mail.example.org"));
  EXPECT_TRUE(IsHostName("1a.example"));
  EXPECT_TRUE(IsHostName(std::string(63, 'a') + ".b"));
  EXPECT_FALSE(IsHostName(std::string(64, 'a') + ".b"));
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  EXPECT_TRUE(IsHostName(longest + "b"));
  EXPECT_FALSE(IsHostName(longest + "bc"));
  for (const char* bad :
       {"", ".", "a..b", ".a", "-a", "a-", "a/b", "a@b", "1.2.3.4", "\xc3\xa4.de"}) {
    EXPECT_FALSE(IsHostName(bad)) << bad;
  }
}

HostPort At(const char* text) { return ParseHostPort(text).value(); }

TEST(Overlap, KnowsTheWildcards) {
  EXPECT_TRUE(Overlap(At("1.2.3.4:995"), At("1.2.3.4:995")));
  EXPECT_TRUE(Overlap(At("0.0.0.0:995"), At("1.2.3.4:995")));
  EXPECT_TRUE(Overlap(At("1.2.3.4:995"), At("0.0.0.0:995")));
  EXPECT_TRUE(Overlap(At("[::]:995"), At("0.0.0.0:995")));
  EXPECT_TRUE(Overlap(At("1.2.3.4:995"), At("[::]:995")));
  EXPECT_TRUE(Overlap(At("[::]:995"), At("[2001:db8::1]:995")));
  EXPECT_TRUE(Overlap(At("[::ffff:1.2.3.4]:995"), At("1.2.3.4:995")));
  EXPECT_TRUE(Overlap(At("[2001:db8:0::1]:995"), At("[2001:db8::1]:995")));
  EXPECT_FALSE(Overlap(At("0.0.0.0:995"), At("[2001:db8::1]:995")));
  EXPECT_FALSE(Overlap(At("[2001:db8::1]:995"), At("0.0.0.0:995")));
  EXPECT_FALSE(Overlap(At("1.2.3.4:995"), At("1.2.3.5:995")));
  EXPECT_FALSE(Overlap(At("[::]:995"), At("[::]:110")));
  EXPECT_FALSE(Overlap(At("[::]:0"), At("[::]:0")));  // two different free ports
}

TEST(PeerKey, SeesTheSamePeer) {
  EXPECT_EQ(PeerKey(At("Mail.Example:110")), PeerKey(At("mail.example:110")));
  EXPECT_EQ(PeerKey(At("[::1]:110")), PeerKey(At("[0:0::1]:110")));
  EXPECT_NE(PeerKey(At("mail.example:110")), PeerKey(At("mail.example:111")));
  EXPECT_NE(PeerKey(At("1.2.3.4:110")), PeerKey(At("1.2.3.5:110")));
}

TEST(IsWildcard, OnlyForTheTwoAnyAddresses) {
  EXPECT_TRUE(At("0.0.0.0:1").IsWildcard());
  EXPECT_TRUE(At("[::]:1").IsWildcard());
  EXPECT_FALSE(At("[::1]:1").IsWildcard());
  EXPECT_FALSE(At("localhost:1").IsWildcard());
}

TEST(IsIpAddress, TakesBareAddresses) {
  EXPECT_TRUE(IsIpAddress("1.2.3.4"));
  EXPECT_TRUE(IsIpAddress("::1"));
  EXPECT_FALSE(IsIpAddress("[::1]"));
  EXPECT_FALSE(IsIpAddress("example"));
  EXPECT_FALSE(IsIpAddress(std::string_view("::1\0x", 5)));
}

}  // namespace
}  // namespace poplar::config
