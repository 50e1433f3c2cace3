#include "bench/generator/reply_counter.h"

#include <gtest/gtest.h>

#include <string>

namespace poplar::bench {
namespace {

constexpr std::string_view kReplies =
    "+OK 2 30\r\n"
    "+OK\r\n1 a\r\n..\r\n.x\r\n\r\n.\r\n"
    "+OK\r\n.\r\n"
    "+OK bye\r\n";

std::vector<Answer> Answers() {
  return {Answer::kLine, Answer::kLines, Answer::kLines, Answer::kLine};
}

TEST(ReplyCounterTest, FindsEachEndInPiecesOfAnySize) {
  for (size_t size = 1; size <= kReplies.size(); ++size) {
    ReplyCounter replies;
    replies.Expect(Answers());
    for (size_t at = 0; at < kReplies.size(); at += size) {
      EXPECT_FALSE(replies.done()) << size << " at " << at;
      EXPECT_TRUE(replies.Feed(kReplies.substr(at, size)));
    }
    EXPECT_TRUE(replies.done()) << size;
    EXPECT_FALSE(replies.refused());
  }
}

TEST(ReplyCounterTest, ARefusalIsOneLineWhateverWasAskedFor) {
  ReplyCounter replies;
  replies.Expect({Answer::kLines});
  EXPECT_TRUE(replies.Feed("-ERR no such message\r\n"));
  EXPECT_TRUE(replies.done());
  EXPECT_TRUE(replies.refused());
}

TEST(ReplyCounterTest, SaysNoToWhatNobodyAskedFor) {
  ReplyCounter replies;
  replies.Expect({Answer::kLine});
  EXPECT_FALSE(replies.Feed("+OK\r\n+"));
}

TEST(ReplyCounterTest, GoesOnWithTheNextStep) {
  ReplyCounter replies;
  replies.Expect({Answer::kLine});
  EXPECT_TRUE(replies.Feed("+OK\r\n"));
  replies.Expect({Answer::kLines});
  EXPECT_FALSE(replies.done());
  EXPECT_TRUE(replies.Feed("+OK\r\nmail\r\n."));
  EXPECT_FALSE(replies.done());
  EXPECT_TRUE(replies.Feed("\r\n"));
  EXPECT_TRUE(replies.done());
}

}  // namespace
}  // namespace poplar::bench
