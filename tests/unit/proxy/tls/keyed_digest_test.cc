#include "proxy/tls/keyed_digest.h"

#include <gtest/gtest.h>

#include <string>

namespace poplar::tls {
namespace {

// The key becomes 00 01 02 ... 1f.
class CountingBytes final : public io::Random {
 public:
  uint64_t Next() override {
    uint64_t number = 0;
    for (int i = 0; i < 8; ++i) number = number << 8 | next_++;
    return number;
  }

 private:
  uint8_t next_ = 0;
};

std::string Hex(const KeyedDigest::Value& value) {
  std::string text;
  for (const uint8_t byte : value) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// Made with Python: hmac.new(bytes(range(32)), b"".join(len(p).to_bytes(8, "big") + p for p in
// (user, secret)), "sha256").hexdigest()
TEST(KeyedDigest, IsHmacSha256OverBothWithTheirLengths) {
  CountingBytes random;
  const KeyedDigest digest(random);
  const struct {
    std::string user;
    std::string secret;
    std::string expected;
  } cases[] = {
      {"", "", "ff921230177d146ee8401eb82173128410002ba6f997e8e837e804407c8cdd38"},
      {"alice@example.org", "correct horse",
       "b377bb97f821c2dc65d3b4d865ef86dd32b4fb3ceb32e9027dfc69a357105cd3"},
      {"b\xc3\xb6rje", std::string("\0x", 2),
       "f907529283a92841d062cfcb2d0561c3fc0671f03107f727aeda7935ec554ddb"},
      {std::string(300, 'u'), std::string(1000, 's'),
       "dce755e40d836ae2d92a8a2019e70f377cbcc3c9e9979e344ea7fc6d5bf5c9a7"},
  };
  for (const auto& c : cases) EXPECT_EQ(Hex(digest.Of(c.user, c.secret)), c.expected) << c.user;
}

TEST(KeyedDigest, TellsApartWhatOnlyTheLengthsTellApart) {
  CountingBytes random;
  const KeyedDigest digest(random);
  EXPECT_NE(digest.Of("ab", "c"), digest.Of("a", "bc"));
  EXPECT_NE(digest.Of("", "x"), digest.Of("x", ""));
  EXPECT_NE(digest.Of("a", std::string(1, '\0')), digest.Of("a", ""));
  EXPECT_NE(digest.Of("A", "x"), digest.Of("a", "x"));
  EXPECT_EQ(digest.Of("a", "x"), digest.Of("a", "x"));
}

TEST(KeyedDigest, AnotherKeyMakesAnother) {
  CountingBytes random;
  const KeyedDigest one(random);
  const KeyedDigest other(random);
  EXPECT_NE(one.Of("a", "x"), other.Of("a", "x"));
}

TEST(KeyedDigest, WipesItsKey) {
  CountingBytes random;
  alignas(KeyedDigest) unsigned char place[sizeof(KeyedDigest)];
  auto* digest = new (place) KeyedDigest(random);
  EXPECT_EQ(place[31], 31);
  digest->~KeyedDigest();
  for (const unsigned char byte : place) EXPECT_EQ(byte, 0);
}

}  // namespace
}  // namespace poplar::tls
