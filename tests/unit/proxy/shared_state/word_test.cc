#include "proxy/shared_state/word.h"

#include <gtest/gtest.h>

#include "proxy/shared_state/limits.h"

namespace poplar::shared_state {
namespace {

using Kind = Word::Kind;

TEST(WordTest, ReadsWhatItWrote) {
  const Word words[] = {
      {.kind = Kind::kKickUser, .subject = "Anna B@example.org", .now = true},
      {.kind = Kind::kKickSession, .subject = "0123456789abcdef"},
      {.kind = Kind::kNode, .subject = "main/a", .state = balancer::AdminState::kDrain},
      {.kind = Kind::kMove, .subject = "spring", .permille = 1000}};
  const std::string_view texts[] = {"kick-user now Anna B@example.org",
                                    "kick-session soon 0123456789abcdef", "node drain main/a",
                                    "move 1000 spring"};
  for (size_t i = 0; i < std::size(words); ++i) {
    EXPECT_EQ(RenderWord(words[i]), texts[i]);
    EXPECT_EQ(ParseWord(texts[i]), words[i]);
  }
}

TEST(WordTest, WhatIsSetOutlivesItsMoment) {
  EXPECT_EQ(SettingOf(*ParseWord("kick-user now anna")), "");
  EXPECT_EQ(SettingOf(*ParseWord("node drain main/a")), "node main/a");
  EXPECT_EQ(SettingOf(*ParseWord("node up main/a")), "node main/a");
  EXPECT_EQ(SettingOf(*ParseWord("move 0 spring")), "move spring");
}

TEST(WordTest, RefusesWhatMakesNoSense) {
  for (const std::string_view text :
       {"", "node", "node up", "node up ", "node away main/a", "move 1001 spring", "move x spring",
        "kick-user later anna", "kick now anna", "shutdown now please"})
    EXPECT_FALSE(ParseWord(text)) << text;
  EXPECT_FALSE(ParseWord("kick-user now " + std::string(kWordBytesMax, 'a')));
}

}  // namespace
}  // namespace poplar::shared_state
