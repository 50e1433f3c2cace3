#include "proxy/account_probe/shown_text.h"

#include <gtest/gtest.h>

#include <string>

#include "proxy/account_probe/limits.h"

namespace poplar::account_probe {
namespace {

TEST(ShownTextTest, LeavesWordsAlone) {
  EXPECT_EQ(ShownText()("-ERR [AUTH] no, not so"), "-ERR [AUTH] no, not so");
  EXPECT_EQ(ShownText()(""), "");
}

TEST(ShownTextTest, NoTerminalIsDrivenByIt) {
  EXPECT_EQ(ShownText()("\x1b[31mred\x07\r\n\x7f"), "?[31mred????");
  EXPECT_EQ(ShownText()("caf\xc3\xa9 \xc2\x9b"
                        "31m"),
            "caf?? ??31m");
}

TEST(ShownTextTest, IsCut) {
  const std::string text = ShownText()(std::string(10'000, 'x'));
  EXPECT_EQ(text, std::string(kShownBytesMax, 'x') + "...");
}

TEST(ShownTextTest, HidesSecretsInAllTheirForms) {
  ShownText shown;
  shown.Hide("anna", "secret");
  EXPECT_EQ(shown("PASS secret and secretsecret"), "PASS ******** and ****************");
  EXPECT_EQ(shown("AGFubmEAc2VjcmV0"), "********");
  EXPECT_EQ(shown("c2VjcmV0"), "********");
  EXPECT_EQ(shown("dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHNlY3JldAEB"), "********");
  EXPECT_EQ(shown("bixhPWFubmEsAWF1dGg9QmVhcmVyIHNlY3JldAEB"), "********");
}

TEST(ShownTextTest, ASecretAtTheCutIsNotHalfShown) {
  ShownText shown;
  shown.Hide("anna", "secret");
  const std::string text = shown(std::string(kShownBytesMax - 3, 'x') + "secret");
  EXPECT_EQ(text.find("sec"), std::string::npos);
}

TEST(ShownTextTest, HidesASecretThatIsCutOff) {
  ShownText shown;
  shown.Hide("anna", "secret");
  EXPECT_EQ(shown("-ERR what is PASS secre"), "-ERR what is PASS ********");
  EXPECT_EQ(shown("-ERR what is sec"), "-ERR what is ********");
  EXPECT_EQ(shown("yes, see"), "yes, see");
}

// The mask itself may hold what is hidden.
TEST(ShownTextTest, EndsWithAnySecret) {
  ShownText shown;
  shown.Hide("anna", "*");
  EXPECT_EQ(shown("a*b"), "a********b");
  shown.Hide("anna", "");
  EXPECT_EQ(shown("ab"), "ab");
}

}  // namespace
}  // namespace poplar::account_probe
