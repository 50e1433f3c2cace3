#include "proxy/pop3/login_way.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "proxy/pop3/node_message.h"

namespace poplar::pop3 {
namespace {

using Kind = LoginWay::Kind;
using std::string_view_literals::operator""sv;

Credential Of(std::optional<Mechanism> mechanism, std::string_view user = "alice",
              std::string_view authorization = {}) {
  Credential credential;
  credential.mechanism = mechanism;
  credential.identity.user = user;
  credential.identity.authorization = authorization;
  if (credential.proof() == Proof::kScram) {
    credential.first_message = Secret("n,,n=alice,r=abc");
  } else if (credential.proof() != Proof::kCertificate) {
    credential.identity.secret = Secret("secret");
  }
  return credential;
}

MasterUser Admin(std::string_view separator = "*") {
  return {.name = "admin", .password = Secret("master's"), .separator = std::string(separator)};
}

// The way in short: what goes into USER and PASS, or the mechanism and the message decoded.
std::string Told(const Credential& credential, const char* offered, const MasterUser& master) {
  const std::optional<Capabilities> known =
      offered == nullptr ? std::nullopt : std::optional<Capabilities>(offered);
  const LoginWay way = ChooseWay(credential, known ? &*known : nullptr, master);
  switch (way.kind) {
    case Kind::kUserPass:
      return "USER " + std::string(way.user.Expose()) + ", PASS " + std::string(way.password);
    case Kind::kAuth: {
      std::string text(DecodeBase64(way.message.Expose())->Expose());
      for (char& c : text) {
        if (c == '\0' || c == '\x01') c = '|';
      }
      return std::string(Name(way.mechanism)) + " " + text;
    }
    case Kind::kUnsafe:
      return "unsafe";
    case Kind::kImpossible:
      EXPECT_FALSE(way.why.empty());
      return "impossible";
  }
  return "";
}

constexpr char kDovecot[] = "+OK\r\nCAPA\r\nTOP\r\nUSER\r\nSASL PLAIN LOGIN\r\n.\r\n";
constexpr char kOld[] = "+OK\r\nTOP\r\nUIDL\r\nUSER\r\n.\r\n";
constexpr char kXoauth2[] = "SASL XOAUTH2\r\n";
constexpr char kBearer[] = "sasl  plain oauthbearer\r\n";
constexpr char kBoth[] = "SASL PLAIN OAUTHBEARER XOAUTH2\r\n";
constexpr char kScram[] = "SASL SCRAM-SHA-256 SCRAM-SHA-1-PLUS\r\n";

struct WayCase {
  std::optional<Mechanism> mechanism;
  const char* authorization;
  const char* offered;
  const char* told;
};

TEST(ChooseWayTest, TakesWhatTheNodeHas) {
  constexpr auto kPass = std::nullopt;
  const WayCase cases[] = {
      {kPass, "", nullptr, "USER alice, PASS secret"},
      {kPass, "", kOld, "USER alice, PASS secret"},
      {kPass, "", kXoauth2, "USER alice, PASS secret"},
      {kPass, "", kDovecot, "PLAIN |alice|secret"},
      {Mechanism::kPlain, "", nullptr, "USER alice, PASS secret"},
      {Mechanism::kPlain, "", kDovecot, "PLAIN |alice|secret"},
      {Mechanism::kLogin, "", kBearer, "PLAIN |alice|secret"},
      {Mechanism::kPlain, "alice", kOld, "USER alice, PASS secret"},
      {Mechanism::kPlain, "alice", kDovecot, "PLAIN |alice|secret"},
      {Mechanism::kPlain, "bob", kDovecot, "PLAIN bob|alice|secret"},
      {Mechanism::kPlain, "bob", kOld, "USER bob*alice, PASS secret"},
      {Mechanism::kPlain, "bob", nullptr, "USER bob*alice, PASS secret"},
      {Mechanism::kPlain, "b*b", kDovecot, "PLAIN b*b|alice|secret"},
      {Mechanism::kPlain, "b*b", kOld, "impossible"},
      {Mechanism::kXoauth2, "", kXoauth2, "XOAUTH2 user=alice|auth=Bearer secret||"},
      {Mechanism::kXoauth2, "", kBoth, "XOAUTH2 user=alice|auth=Bearer secret||"},
      {Mechanism::kXoauth2, "", kBearer, "OAUTHBEARER n,a=alice,|auth=Bearer secret||"},
      {Mechanism::kOauthBearer, "", kBoth, "OAUTHBEARER n,a=alice,|auth=Bearer secret||"},
      {Mechanism::kOauthBearer, "", kXoauth2, "XOAUTH2 user=alice|auth=Bearer secret||"},
      {Mechanism::kOauthBearer, "", kDovecot, "impossible"},
      {Mechanism::kXoauth2, "", nullptr, "impossible"},
      {Mechanism::kScramSha256, "", kScram, "SCRAM-SHA-256 n,,n=alice,r=abc"},
      {Mechanism::kScramSha1, "", kScram, "impossible"},
      {Mechanism::kScramSha256, "", kDovecot, "impossible"},
      {Mechanism::kScramSha256, "", nullptr, "impossible"},
      {Mechanism::kExternal, "", kDovecot, "PLAIN alice|admin|master's"},
      {Mechanism::kExternal, "", kOld, "USER alice*admin, PASS master's"},
      {Mechanism::kExternal, "bob", kDovecot, "PLAIN bob|admin|master's"},
      {Mechanism::kExternal, "bob", nullptr, "USER bob*admin, PASS master's"},
  };
  for (const WayCase& c : cases) {
    SCOPED_TRACE(std::string(c.mechanism ? Name(*c.mechanism) : "USER") + " " + c.authorization +
                 " " + (c.offered == nullptr ? "unknown" : c.offered));
    EXPECT_EQ(Told(Of(c.mechanism, "alice", c.authorization), c.offered, Admin()), c.told);
  }
}

TEST(ChooseWayTest, WithoutAMasterUserOrSeparator) {
  const MasterUser none;
  EXPECT_EQ(Told(Of(Mechanism::kExternal), kDovecot, none), "impossible");
  EXPECT_EQ(Told(Of(Mechanism::kExternal), kOld, none), "impossible");
  EXPECT_EQ(Told(Of(Mechanism::kPlain, "alice", "bob"), kOld, Admin("")), "impossible");
  EXPECT_EQ(Told(Of(Mechanism::kExternal), kOld, Admin("%%")), "USER alice%%admin, PASS master's");
}

TEST(ChooseWayTest, NothingThatReadsAsSomethingElse) {
  const std::string_view unsafe[] = {"a\rb"sv, "a\nb"sv, "a\0b"sv, "\r\nDELE 1"sv};
  const std::optional<Mechanism> mechanisms[] = {
      std::nullopt,        Mechanism::kPlain,       Mechanism::kLogin,
      Mechanism::kXoauth2, Mechanism::kOauthBearer, Mechanism::kScramSha256,
      Mechanism::kExternal};
  for (const auto& mechanism : mechanisms) {
    for (const std::string_view bytes : unsafe) {
      EXPECT_EQ(Told(Of(mechanism, bytes), kBoth, Admin()), "unsafe");
      EXPECT_EQ(Told(Of(mechanism, "alice", bytes), kBoth, Admin()), "unsafe");
      Credential secret = Of(mechanism);
      if (secret.proof() == Proof::kScram) {
        secret.first_message = Secret(bytes);
      } else {
        secret.identity.secret = Secret(bytes);
      }
      if (secret.proof() != Proof::kCertificate) EXPECT_EQ(Told(secret, kBoth, Admin()), "unsafe");
      Credential language = Of(mechanism);
      language.language = bytes;
      EXPECT_EQ(Told(language, kBoth, Admin()), "unsafe");
    }
    EXPECT_EQ(Told(Of(mechanism, ""), kBoth, Admin()), "unsafe");
  }
}

// 0x01 ends a field of XOAUTH2's and OAUTHBEARER's: a name with one in it would bring its own.
TEST(ChooseWayTest, NoFieldsWithinAToken) {
  for (const Mechanism mechanism : {Mechanism::kXoauth2, Mechanism::kOauthBearer}) {
    EXPECT_EQ(Told(Of(mechanism,
                      "eve\x01"
                      "auth=Bearer x"),
                   kBoth, Admin()),
              "unsafe");
    Credential token = Of(mechanism);
    token.identity.secret = Secret("x\x01host=y");
    EXPECT_EQ(Told(token, kBoth, Admin()), "unsafe");
  }
  EXPECT_EQ(Told(Of(Mechanism::kPlain, "a\x01"), kDovecot, Admin()), "PLAIN |a||secret");
}

TEST(IsSafeTest, Languages) {
  for (const char* tag : {"", "en", "de-CH-1996", "*", "i-default"}) {
    Credential credential = Of(std::nullopt);
    credential.language = tag;
    EXPECT_TRUE(IsSafe(credential)) << tag;
  }
  for (const char* tag : {"en us", " ", "en\r\nDELE 1", "\"", "e\xc3\xa9"}) {
    Credential credential = Of(std::nullopt);
    credential.language = tag;
    EXPECT_FALSE(IsSafe(credential)) << tag;
  }
}

TEST(NeedsCapabilitiesTest, AllButAPlainPassword) {
  EXPECT_FALSE(NeedsCapabilities(Of(std::nullopt)));
  EXPECT_FALSE(NeedsCapabilities(Of(Mechanism::kLogin)));
  EXPECT_FALSE(NeedsCapabilities(Of(Mechanism::kPlain, "alice", "alice")));
  EXPECT_TRUE(NeedsCapabilities(Of(Mechanism::kPlain, "alice", "bob")));
  for (const Mechanism mechanism : {Mechanism::kXoauth2, Mechanism::kOauthBearer,
                                    Mechanism::kScramSha1, Mechanism::kExternal}) {
    EXPECT_TRUE(NeedsCapabilities(Of(mechanism))) << Name(mechanism);
  }
  Credential utf8 = Of(std::nullopt);
  utf8.utf8 = true;
  EXPECT_TRUE(NeedsCapabilities(utf8));
  Credential german = Of(std::nullopt);
  german.language = "de";
  EXPECT_TRUE(NeedsCapabilities(german));
}

TEST(CanServeTest, FollowsTheChoice) {
  for (const char* offered : {kDovecot, kOld, kXoauth2, kBearer, kBoth, kScram}) {
    for (size_t i = 0; i < kMechanismCount; ++i) {
      const auto mechanism = static_cast<Mechanism>(i);
      EXPECT_EQ(CanServe(mechanism, Capabilities(offered)),
                Told(Of(mechanism), offered, Admin()) != "impossible")
          << Name(mechanism) << " " << offered;
    }
  }
}

}  // namespace
}  // namespace poplar::pop3
