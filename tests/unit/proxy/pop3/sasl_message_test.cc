#include "proxy/pop3/sasl_message.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proxy/pop3/limits.h"

namespace poplar::pop3 {
namespace {

using std::string_literals::operator""s;
using std::string_view_literals::operator""sv;

// "user|authorization|secret", or why not.
std::string Show(const std::optional<SaslIdentity>& identity) {
  if (!identity) return "no";
  return identity->user + "|" + identity->authorization + "|" +
         std::string(identity->secret.Expose());
}

std::string Decoded(std::string_view text) {
  const auto message = DecodeBase64(text);
  return message ? std::string(message->Expose()) : "no";
}

TEST(SaslMessageTest, MechanismsAreFoundInAnyCase) {
  EXPECT_EQ(FindMechanism("plain"), Mechanism::kPlain);
  EXPECT_EQ(FindMechanism("XOAuth2"), Mechanism::kXoauth2);
  EXPECT_EQ(FindMechanism("SCRAM-SHA-256"), Mechanism::kScramSha256);
  for (const auto name : {"", "PLAI", "PLAINX", "NTLM", "CRAM-MD5", "GSSAPI", "SCRAM-SHA-256-PLUS"})
    EXPECT_FALSE(FindMechanism(name)) << name;
  for (size_t i = 0; i < kMechanismCount; ++i) {
    const auto mechanism = static_cast<Mechanism>(i);
    EXPECT_EQ(FindMechanism(Name(mechanism)), mechanism);
  }
}

// RFC 4648 section 10, and what other decoders let pass.
TEST(SaslMessageTest, Base64IsStrict) {
  EXPECT_EQ(Decoded(""), "");
  EXPECT_EQ(Decoded("Zg=="), "f");
  EXPECT_EQ(Decoded("Zm8="), "fo");
  EXPECT_EQ(Decoded("Zm9v"), "foo");
  EXPECT_EQ(Decoded("Zm9vYmFy"), "foobar");
  EXPECT_EQ(Decoded("+/+/"), "\xfb\xff\xbf");
  for (const auto bad : {"Z", "Zg", "Zg=", "Zg===", "=", "====", "Zm9v====", "Zg==Zg==", "Zm 9v",
                         "Zm9v ", " Zm9v", "Zm9v\n", "-_-_", "Zm9*", "Z=g=", "Zm=v"}) {
    EXPECT_EQ(Decoded(bad), "no") << bad;
  }
}

TEST(SaslMessageTest, Plain) {
  EXPECT_EQ(Show(ParsePlain("\0ann\0secret"sv)), "ann||secret");
  EXPECT_EQ(Show(ParsePlain("bob\0ann\0secret"sv)), "ann|bob|secret");
  EXPECT_EQ(Show(ParsePlain("\0ann@example.org\0\xc3\xa4 b"sv)), "ann@example.org||\xc3\xa4 b");
  for (const auto bad :
       {""sv, "ann"sv, "\0ann"sv, "\0ann\0"sv, "\0\0secret"sv, "\0ann\0secret\0"sv,
        "\0ann\0se\0cret"sv, "\0ann\0secret\r\nDELE 1"sv, "\0ann\r\nDELE 1\0secret"sv,
        "b\nob\0ann\0secret"sv, "\0an\rn\0secret"sv}) {
    EXPECT_EQ(Show(ParsePlain(bad)), "no") << bad;
  }
}

TEST(SaslMessageTest, NamesAreBounded) {
  const std::string longest(kUserBytesMax, 'a');
  EXPECT_EQ(Show(ParsePlain("\0"s + longest + "\0secret"s)), longest + "||secret");
  EXPECT_EQ(Show(ParsePlain("\0"s + longest + "a\0secret"s)), "no");
  EXPECT_EQ(Show(ParsePlain(longest + "a\0ann\0secret"s)), "no");
}

TEST(SaslMessageTest, Xoauth2) {
  EXPECT_EQ(Show(ParseXoauth2("user=ann\1auth=Bearer ya29.x\1\1")), "ann||ya29.x");
  EXPECT_EQ(Show(ParseXoauth2("user=ann\1auth=bearer ya29.x\1\1")), "ann||ya29.x");
  for (const auto bad :
       {"", "user=ann", "user=ann\1auth=Bearer t\1", "user=ann\1auth=Bearer t\1\1\1",
        "user=\1auth=Bearer t\1\1", "user=ann\1auth=Bearer \1\1", "user=ann\1auth=Basic t\1\1",
        "user=ann\1auth=Bearer t\r\nQUIT\1\1", "auth=Bearer t\1user=ann\1\1",
        "User=ann\1auth=Bearer t\1\1"}) {
    EXPECT_EQ(Show(ParseXoauth2(bad)), "no") << bad;
  }
}

// RFC 7628 section 4.1, and its grammar.
TEST(SaslMessageTest, OauthBearer) {
  EXPECT_EQ(Show(ParseOauthBearer("n,a=user@example.com,\1host=server.example.com\1port=143\1"
                                  "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1")),
            "user@example.com||vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
  EXPECT_EQ(Show(ParseOauthBearer("y,a=a=2Cb=3Dc,\1auth=Bearer t\1\1")), "a,b=c||t");
  EXPECT_EQ(Show(ParseOauthBearer("n,a=ann,\1auth=bEARER t\1host=x\1\1")), "ann||t");
  for (const auto bad :
       {"", "n,a=ann,", "n,a=ann,\1", "n,a=ann,\1\1", "n,,\1auth=Bearer t\1\1",
        "p=tls-unique,a=ann,\1auth=Bearer t\1\1", "n,b=ann,\1auth=Bearer t\1\1",
        "n,a=a=2cb,\1auth=Bearer t\1\1", "n,a=a=,\1auth=Bearer t\1\1", "n,a=ann,auth=Bearer t\1\1",
        "n,a=ann,\1auth=Bearer t\1", "n,a=ann,\1auth=Bearer t\1\1x",
        "n,a=ann,\1auth=Bearer t\1auth=Bearer u\1\1", "n,a=ann,\1auth=\1\1",
        "n,a=a\nnn,\1auth=Bearer t\1\1", "n,a=ann,\1auth=Bearer t\rx\1\1"}) {
    EXPECT_EQ(Show(ParseOauthBearer(bad)), "no") << bad;
  }
}

// RFC 5802 section 5.
TEST(SaslMessageTest, ScramFirst) {
  EXPECT_EQ(Show(ParseScramFirst("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL")), "user||");
  EXPECT_EQ(Show(ParseScramFirst("y,a=bob,n=an=2Cn,r=x,ext=1")), "an,n|bob|");
  for (const auto bad :
       {"", "n,,", "n,,n=user", "n,,n=,r=x", "n,,r=x,n=user", "n,,m=ext,n=user,r=x",
        "p=tls-exporter,,n=user,r=x", "n,a=,n=user,r=x", "n,,n=us=er,r=x", "n,,n=us\ner,r=x"}) {
    EXPECT_EQ(Show(ParseScramFirst(bad)), "no") << bad;
  }
}

}  // namespace
}  // namespace poplar::pop3
