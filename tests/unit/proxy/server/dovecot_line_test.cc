#include "proxy/server/dovecot_line.h"

#include <gtest/gtest.h>

#include <string>

namespace poplar::server {
namespace {

constexpr int64_t kUnixMicros = 1'767'225'599'000'042;  // 2025-12-31T23:59:59.000042Z

session::Record Guesser() {
  session::Record record;
  record.id = 0xabc;
  record.client = *io::Address::Parse("192.0.2.7", 50123);
  record.local = *io::Address::Parse("198.51.100.1", 995);
  record.user = "alice@example.com";
  record.mechanism = "PLAIN";
  record.tls_version = "TLSv1.3";
  record.refused_logins = 3;
  record.total = std::chrono::milliseconds(12'900);
  return record;
}

TEST(DovecotLine, IsDovecots) {
  EXPECT_EQ(DovecotLine(kUnixMicros, "pop1", Guesser()),
            "2025-12-31T23:59:59.000042+00:00 pop1 dovecot: pop3-login: Disconnected: Connection "
            "closed (auth failed, 3 attempts in 12 secs): user=<alice@example.com>, method=PLAIN, "
            "rip=192.0.2.7, lip=198.51.100.1, TLS, session=<0000000000000abc>");
}

TEST(DovecotLine, InTheClearAndIpv6) {
  session::Record record = Guesser();
  record.client = *io::Address::Parse("2001:db8::7", 50123);
  record.mechanism = "USER";
  record.tls_version = "";
  EXPECT_TRUE(DovecotLine(kUnixMicros, "pop1", record)
                  .ends_with("method=PLAIN, rip=2001:db8::7, lip=198.51.100.1, "
                             "session=<0000000000000abc>"));
}

// Nobody gets somebody else banned.
TEST(DovecotLine, AUserNameSaysNothingOfItsOwn) {
  session::Record record = Guesser();
  record.user = "x>, method=PLAIN, rip=203.0.113.9, lip=1.1.1.1\r\n<\x01\xff";
  EXPECT_NE(DovecotLine(kUnixMicros, "pop1", record)
                .find("user=<x?,?method=PLAIN,?rip=203.0.113.9,?lip=1.1.1.1" + std::string(5, '?') +
                      ">, method=PLAIN, "
                      "rip=192.0.2.7,"),
            std::string::npos)
      << DovecotLine(kUnixMicros, "pop1", record);
}

}  // namespace
}  // namespace poplar::server
