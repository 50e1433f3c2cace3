#include "proxy/pop3/credential.h"

#include <gtest/gtest.h>

namespace poplar::pop3 {
namespace {

TEST(CredentialTest, TheMechanismTellsWhatIsShown) {
  Credential credential = PasswordCredential("alice", Secret("secret"));
  EXPECT_EQ(credential.proof(), Proof::kPassword);
  const std::pair<Mechanism, Proof> cases[] = {
      {Mechanism::kPlain, Proof::kPassword},       {Mechanism::kLogin, Proof::kPassword},
      {Mechanism::kXoauth2, Proof::kToken},        {Mechanism::kOauthBearer, Proof::kToken},
      {Mechanism::kExternal, Proof::kCertificate}, {Mechanism::kScramSha256, Proof::kScram},
      {Mechanism::kScramSha1, Proof::kScram},
  };
  for (const auto& [mechanism, proof] : cases) {
    credential.mechanism = mechanism;
    EXPECT_EQ(credential.proof(), proof) << Name(mechanism);
  }
}

TEST(CredentialTest, TheMailboxIsTheUsersOwnUnlessItAsksForAnother) {
  Credential credential = PasswordCredential("admin", Secret("secret"));
  EXPECT_EQ(credential.mailbox(), "admin");
  credential.identity.authorization = "alice";
  EXPECT_EQ(credential.mailbox(), "alice");
}

TEST(CredentialTest, PlainModeIsNeitherUtf8NorALanguage) {
  Credential credential;
  EXPECT_TRUE(credential.plain_mode());
  credential.utf8 = true;
  EXPECT_FALSE(credential.plain_mode());
  credential.utf8 = false;
  credential.language = "de";
  EXPECT_FALSE(credential.plain_mode());
}

}  // namespace
}  // namespace poplar::pop3
