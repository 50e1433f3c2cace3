#include "proxy/pop3/node_message.h"

#include <gtest/gtest.h>

#include <string>

#include "proxy/pop3/sasl_message.h"
#include "tests/unit/proxy/pop3/freed_memory_watch.h"

namespace poplar::pop3 {
namespace {

TEST(NodeMessageTest, Base64OfEveryLength) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"}};  // RFC 4648 section 10
  for (const auto& [bytes, text] : vectors) EXPECT_EQ(EncodeBase64(bytes).Expose(), text);
}

TEST(NodeMessageTest, TheBytesOfEach) {
  EXPECT_EQ(PlainMessage("", "bob", "x y").Expose(), "AGJvYgB4IHk=");
  EXPECT_EQ(PlainMessage("al", "bob", "x").Expose(), "YWwAYm9iAHg=");
  EXPECT_EQ(DecodeBase64(Xoauth2Message("a", "t").Expose())->Expose(),
            "user=a\x01"
            "auth=Bearer t\x01\x01");
  EXPECT_EQ(DecodeBase64(OauthBearerMessage("a", "t").Expose())->Expose(),
            "n,a=a,\x01"
            "auth=Bearer t\x01\x01");
}

// What we say to nodes is what we would understand of clients.
TEST(NodeMessageTest, ReadsBackAsItWasWritten) {
  for (const std::string name : {"alice", "alice@example.org", "a,b=c", "=", ",,", "zo\xc3\xab"}) {
    for (const std::string secret : {"x", " s p ", "a=b,c", "ya29.A0ARrdaM-k9Vq7GzY2pL4M="}) {
      const auto decoded = [](const Secret& text) { return *DecodeBase64(text.Expose()); };
      const auto plain = ParsePlain(decoded(PlainMessage("boss", name, secret)).Expose());
      ASSERT_TRUE(plain.has_value());
      EXPECT_EQ(plain->user, name);
      EXPECT_EQ(plain->authorization, "boss");
      EXPECT_EQ(plain->secret.Expose(), secret);
      const auto xoauth2 = ParseXoauth2(decoded(Xoauth2Message(name, secret)).Expose());
      ASSERT_TRUE(xoauth2.has_value());
      EXPECT_EQ(xoauth2->user, name);
      EXPECT_EQ(xoauth2->secret.Expose(), secret);
      const auto bearer = ParseOauthBearer(decoded(OauthBearerMessage(name, secret)).Expose());
      ASSERT_TRUE(bearer.has_value());
      EXPECT_EQ(bearer->user, name);
      EXPECT_EQ(bearer->secret.Expose(), secret);
    }
  }
}

TEST(NodeMessageTest, LeavesNoCopyBehind) {
  POPLAR_NEEDS_FREED_MEMORY_WATCH();
  constexpr std::string_view kPassword = "correct horse battery staple!!";
  constexpr std::string_view kEncoded = "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZSEh";
  const Secret password(kPassword);
  {
    FreedMemoryWatch watch(kPassword);
    (void)PlainMessage("", "bob", password.Expose());
    (void)Xoauth2Message("bob", password.Expose());
    EXPECT_EQ(watch.unwiped_blocks(), 0u);
    EXPECT_GT(watch.blocks_freed(), 0u);
  }
  FreedMemoryWatch watch(kEncoded);
  EXPECT_EQ(EncodeBase64(password.Expose()).Expose(), kEncoded);
  EXPECT_EQ(watch.unwiped_blocks(), 0u);
}

}  // namespace
}  // namespace poplar::pop3
