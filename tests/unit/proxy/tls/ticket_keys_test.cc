#include "proxy/tls/ticket_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace poplar::tls {
namespace {

using testing::HasSubstr;
using testing::Not;

// Of `size` bytes, all of them `value`, a multiple of 3: base64 without padding.
std::string Line(size_t size, uint8_t value) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t at = 0; at < size; at += 3) {
    const size_t left = std::min<size_t>(size - at, 3);
    const uint32_t bits = uint32_t{value} << 16 | (left > 1 ? uint32_t{value} << 8 : 0) |
                          (left > 2 ? uint32_t{value} : 0);
    for (size_t i = 0; i < 4; ++i) text += i <= left ? kDigits[bits >> (18 - 6 * i) & 63] : '=';
  }
  return text + "\n";
}

std::string FaultOf(const std::string& text) {
  const auto keys = TicketKeys::Parse(text);
  return keys ? "" : keys.error();
}

TEST(TicketKeysTest, FindsByTheName) {
  TicketKeys::Key one;
  TicketKeys::Key two;
  one.name.fill(1);
  two.name.fill(2);
  const TicketKeys keys({one, two});
  EXPECT_EQ(keys.sealing(), one);
  ASSERT_NE(keys.Find(two.name), nullptr);
  EXPECT_EQ(*keys.Find(two.name), two);
  two.name[15] = 3;
  EXPECT_EQ(keys.Find(two.name), nullptr);
}

TEST(TicketKeysTest, GeneratedKeysDiffer) {
  EXPECT_NE(TicketKeys::Generate()->sealing(), TicketKeys::Generate()->sealing());
}

TEST(TicketKeysTest, TheLastButOneSealsAndAllOpen) {
  const auto keys = TicketKeys::Parse(Line(80, 1) + Line(48, 2) + "\r\n" + Line(80, 3));
  ASSERT_TRUE(keys) << keys.error();
  EXPECT_EQ((*keys)->size(), 3u);
  EXPECT_EQ((*keys)->sealing().name[0], 2);
  EXPECT_EQ((*keys)->sealing().bytes, 16);
  for (uint8_t value = 1; value <= 3; ++value) {
    std::array<uint8_t, 16> name;
    name.fill(value);
    ASSERT_NE((*keys)->Find(name), nullptr);
    EXPECT_EQ((*keys)->Find(name)->bytes, value == 2 ? 16 : 32);
  }
}

TEST(TicketKeysTest, OneKeyDoesBoth) {
  const auto keys = TicketKeys::Parse(Line(80, 7));
  ASSERT_TRUE(keys) << keys.error();
  EXPECT_EQ((*keys)->sealing().name[15], 7);
}

// As HAProxy and nginx take them apart.
TEST(TicketKeysTest, KnowsThePartsOfAKey) {
  // Bytes 0 to 47, and 0 to 79.
  const auto both =
      TicketKeys::Parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v\n");
  ASSERT_TRUE(both) << both.error();
  EXPECT_EQ((*both)->sealing().cipher[0], 16);
  EXPECT_EQ((*both)->sealing().mac[0], 32);
  const auto longer = TicketKeys::Parse(
      "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNE"
      "RUZHSElKS0xNTk8=\n");
  ASSERT_TRUE(longer) << longer.error();
  EXPECT_EQ((*longer)->sealing().mac[0], 16);
  EXPECT_EQ((*longer)->sealing().cipher[0], 48);
}

TEST(TicketKeysTest, SaysWhatIsWrongAndNothingOfAKey) {
  EXPECT_THAT(FaultOf(""), HasSubstr("has no key (a line a key is expected"));
  EXPECT_THAT(FaultOf("\n\n"), HasSubstr("has no key ("));
  const std::string secret = Line(48, 77);
  const std::string cut = secret.substr(0, 40);
  EXPECT_THAT(FaultOf(secret + cut), HasSubstr("has no key in line 2 ("));
  EXPECT_THAT(FaultOf(secret + cut), Not(HasSubstr(cut.substr(0, 8))));
  EXPECT_THAT(FaultOf("not base64 at all"), HasSubstr("line 1"));
  EXPECT_THAT(FaultOf(Line(81, 1)), HasSubstr("line 1"));
  EXPECT_THAT(FaultOf(secret + Line(80, 77)), HasSubstr("line 2 a key whose first 16 bytes"));
  std::string many;
  for (uint8_t i = 0; i < kTicketKeysMax; ++i) many += Line(80, i);
  EXPECT_EQ(FaultOf(many), "");
  EXPECT_EQ(FaultOf(many + Line(80, 99)), "has more than 16 keys");
}

TEST(TicketKeysTest, ReadsAFile) {
  const std::string path = testing::TempDir() + "ticket_keys_test";
  std::ofstream(path) << Line(80, 1) << Line(80, 2);
  const auto keys = TicketKeys::Load(path);
  ASSERT_TRUE(keys) << keys.error();
  EXPECT_EQ((*keys)->sealing().name[0], 1);
  std::ofstream(path) << std::string(100'000, 'A');
  EXPECT_EQ(TicketKeys::Load(path).error(), "is too large: at most 16 keys are expected");
  std::remove(path.c_str());
  EXPECT_EQ(TicketKeys::Load(path).error(), "cannot be read: No such file or directory");
}

}  // namespace
}  // namespace poplar::tls
