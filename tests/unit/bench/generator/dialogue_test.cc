#include "bench/generator/dialogue.h"

#include <gtest/gtest.h>

namespace poplar::bench {
namespace {

std::string CommandsOf(const DialogueOptions& options) {
  std::string all;
  for (const Step& step : MakeDialogue(options, "anna", "secret")) all += step.commands;
  return all;
}

TEST(DialogueTest, SaysWhatEachKindOfClientSays) {
  EXPECT_EQ(CommandsOf({Kind::kLogin}), "USER anna\r\nPASS secret\r\nQUIT\r\n");
  EXPECT_EQ(CommandsOf({Kind::kHold}), "USER anna\r\nPASS secret\r\n");
  EXPECT_EQ(CommandsOf({Kind::kPoll}),
            "USER anna\r\nPASS secret\r\nSTAT\r\nUIDL\r\nLIST\r\nQUIT\r\n");
  EXPECT_EQ(CommandsOf({Kind::kDownload, 2}),
            "USER anna\r\nPASS secret\r\nSTAT\r\nRETR 1\r\nRETR 2\r\nQUIT\r\n");
  EXPECT_EQ(CommandsOf({Kind::kFetch, 1}),
            "USER anna\r\nPASS secret\r\nSTAT\r\nUIDL\r\nLIST\r\nRETR 1\r\nQUIT\r\n");
}

TEST(DialogueTest, AsksForAllAtOnceWherePipelined) {
  const Dialogue dialogue = MakeDialogue({Kind::kDownload, 3, true}, "anna", "secret");
  const Step& all = dialogue[dialogue.size() - 2];
  EXPECT_EQ(all.commands, "RETR 1\r\nRETR 2\r\nRETR 3\r\n");
  EXPECT_EQ(all.answers, std::vector<Answer>(3, Answer::kLines));
}

}  // namespace
}  // namespace poplar::bench
