#include "proxy/pop3/reply_progress.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>

namespace poplar::pop3 {
namespace {

void Send(ReplyProgress* progress, std::string_view bytes, size_t piece_bytes) {
  for (size_t at = 0; at < bytes.size(); at += piece_bytes) {
    progress->Sent(std::string(bytes.substr(at, piece_bytes)));
  }
}

// Repeats `answer` in pieces; what the client gets of it, or nothing once it is refused.
std::optional<std::string> Repeat(ReplyProgress* progress, std::string_view answer,
                                  size_t piece_bytes) {
  std::string got;
  for (size_t at = 0; at < answer.size(); at += piece_bytes) {
    const std::string piece(answer.substr(at, piece_bytes));
    const auto more = progress->Repeat(piece);
    if (!more) {
      EXPECT_EQ(got, "") << "a part was passed on before the answer was refused";
      EXPECT_FALSE(progress->caught_up());
      EXPECT_EQ(progress->Repeat("x"), std::nullopt);
      EXPECT_EQ(progress->Repeat(""), std::nullopt);
      return std::nullopt;
    }
    EXPECT_TRUE(progress->caught_up() || more->empty());
    got += *more;
  }
  return got;
}

TEST(ReplyProgressTest, ContinuesWhereTheAnswerWasCut) {
  const std::string first = "+OK 30 octets\r\nSubject: x\r\n\r\nHello.\r\n..\r\n.\r\n";
  const std::string other_status = "+OK\r\n" + first.substr(first.find('\n') + 1);
  const size_t status = first.find('\n') + 1;
  for (size_t cut = status; cut <= first.size(); ++cut) {
    for (size_t piece = 1; piece <= first.size(); ++piece) {
      SCOPED_TRACE(std::to_string(cut) + " " + std::to_string(piece));
      ReplyProgress progress;
      progress.Begin();
      EXPECT_FALSE(progress.started());
      Send(&progress, std::string_view(first).substr(0, cut), 1 + cut % 7);
      EXPECT_TRUE(progress.started());
      EXPECT_TRUE(progress.caught_up());
      progress.BeginRepeat();
      EXPECT_FALSE(progress.caught_up());
      EXPECT_EQ(Repeat(&progress, other_status, piece), first.substr(cut));
      EXPECT_TRUE(progress.caught_up());
    }
  }
}

TEST(ReplyProgressTest, AnAnswerOfWhichNothingHasGoneOutPassesWhole) {
  const std::string answer = "-ERR no such message\r\n";
  for (size_t piece = 1; piece <= answer.size(); ++piece) {
    ReplyProgress progress;
    progress.Begin();
    progress.BeginRepeat();
    EXPECT_TRUE(progress.caught_up());
    EXPECT_EQ(Repeat(&progress, answer, piece), answer);
    EXPECT_TRUE(progress.started());
  }
}

TEST(ReplyProgressTest, WhatTheClientHasMustBeTheSame) {
  const std::string first = "+OK\r\nSubject: x\r\n\r\nHello.\r\n.\r\n";
  for (size_t cut = 5; cut <= first.size(); ++cut) {
    for (size_t changed = 5; changed < first.size(); ++changed) {
      for (size_t piece : {size_t{1}, size_t{3}, first.size()}) {
        std::string again = first;
        again[changed] = static_cast<char>(again[changed] ^ 1);
        ReplyProgress progress;
        progress.Begin();
        Send(&progress, std::string_view(first).substr(0, cut), 4);
        progress.BeginRepeat();
        const auto got = Repeat(&progress, again, piece);
        EXPECT_EQ(got.has_value(), changed >= cut) << cut << " " << changed << " " << piece;
        if (got) {
          EXPECT_EQ(*got, again.substr(cut));
        }
      }
    }
  }
}

TEST(ReplyProgressTest, BytesThatMovedAreNotTheSame) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"+OK\r\nab", "+OK\r\nba\r\n.\r\n"},
      {"+OK\r\na", "+OK\r\nXa\r\n.\r\n"},
      {"+OK\r\nX-Node: 1\r\na", "+OK\r\nX-Node: 2\r\na\r\n.\r\n"},
      {"+OK\r\na\r\n", "+OK\r\na\n\r\n.\r\n"},
      // The status is no word of the body, but must say the same.
      {"+OK\r\n", "-ERR [SYS/TEMP] x\r\n"},
      {"-ERR x\r\n", "+OK\r\n.\r\n"},
  };
  for (const auto& [sent, again] : cases) {
    for (size_t piece : {size_t{1}, again.size()}) {
      ReplyProgress progress;
      progress.Begin();
      progress.Sent(sent);
      progress.BeginRepeat();
      EXPECT_EQ(Repeat(&progress, again, piece), std::nullopt) << testing::PrintToString(again);
    }
  }
}

TEST(ReplyProgressTest, AnAnswerThatEndsBeforeNeverCatchesUp) {
  ReplyProgress progress;
  progress.Begin();
  progress.Sent("+OK\r\nabc\r\ndef\r\n");
  progress.BeginRepeat();
  EXPECT_EQ(Repeat(&progress, "+OK\r\nabc\r\n.\r\n", 100), "");
  EXPECT_FALSE(progress.caught_up());
}

TEST(ReplyProgressTest, ACutStatusLineCannotBeContinued) {
  for (std::string_view sent : {"+", "+OK 7", "+OK 7\r"}) {
    ReplyProgress progress;
    progress.Begin();
    progress.Sent(sent);
    EXPECT_TRUE(progress.started());
    progress.BeginRepeat();
    EXPECT_EQ(Repeat(&progress, "+OK 7\r\nx\r\n.\r\n", 2), std::nullopt);
  }
}

TEST(ReplyProgressTest, TheNextAnswerKnowsNothingOfTheLast) {
  ReplyProgress progress;
  const std::string answer = "+OK\r\nsome mail\r\n.\r\n";
  for (bool end : {false, true, false}) {
    progress.Begin();
    progress.Sent("+OK\r\nanother mail, and refused\r\n");
    progress.BeginRepeat();
    EXPECT_EQ(Repeat(&progress, answer + answer, 100), std::nullopt);
    if (end) progress.End();
    progress.Begin();
    EXPECT_FALSE(progress.started());
    EXPECT_TRUE(progress.caught_up());
    progress.Sent(answer.substr(0, 9));
    progress.BeginRepeat();
    EXPECT_EQ(Repeat(&progress, answer, 2), answer.substr(9));
    progress.End();
    EXPECT_FALSE(progress.started());
  }
}

TEST(ReplyProgressTest, BytesSentPastTheRepeatCountAsWell) {
  ReplyProgress progress;
  progress.Begin();
  progress.Sent("+OK\r\nab");
  progress.BeginRepeat();
  EXPECT_EQ(Repeat(&progress, "+OK\r\nabcd", 100), "cd");
  progress.Sent("ef");
  progress.BeginRepeat();
  EXPECT_EQ(Repeat(&progress, "+OK\r\nabcdefg", 3), "g");
}

// Several deaths within one answer, before and after the client's place is reached again.
TEST(ReplyProgressTest, RandomCutsLeaveTheAnswerAsItIs) {
  std::mt19937 random(99);
  for (int round = 0; round < 3000; ++round) {
    std::string body(1 + random() % (random() % 40 == 0 ? 100'000 : 400), '\0');
    for (char& c : body) c = static_cast<char>('a' + random() % 3);
    ReplyProgress progress;
    progress.Begin();
    std::string client = "+OK\r\n" + body.substr(0, random() % (body.size() + 1));
    Send(&progress, client, 1 + random() % 3000);
    const size_t altered_round = random() % 6;
    for (size_t loss = 0; loss < 4; ++loss) {
      const size_t has = client.size() - 5;
      std::string again = body;
      const bool altered = loss == altered_round && has > 0;
      if (altered) again[random() % has] ^= 4;
      again = "+OK again\r\n" + again.substr(0, loss == 3 ? body.size() : random() % body.size());
      progress.BeginRepeat();
      const auto got = Repeat(&progress, again, 1 + random() % 3000);
      const bool reached = again.size() - 11 >= has;
      ASSERT_EQ(got.has_value(), !(altered && reached));
      if (altered) break;
      client += *got;
      ASSERT_EQ(client, "+OK\r\n" + body.substr(0, client.size() - 5));
    }
  }
}

}  // namespace
}  // namespace poplar::pop3
