#include "proxy/shared_state/reply.h"

#include <gtest/gtest.h>

#include <array>

#include "proxy/shared_state/limits.h"

namespace poplar::shared_state {
namespace {

using Kind = Reply::Kind;

TEST(ReplyTest, ReadsEachKind) {
  ReplyReader reader;
  ASSERT_TRUE(
      reader.Feed("+OK\r\n-ERR no\r\n:42\r\n$3\r\na\r\n\r\n$-1\r\n*2\r\n$1\r\nx\r\n*1\r\n:7\r\n"));
  const auto ok = *reader.Next();
  ASSERT_NE(ok, nullptr);
  EXPECT_TRUE(ok->is(Kind::kText));
  EXPECT_EQ(ok->text, "OK");
  EXPECT_TRUE((*reader.Next())->is(Kind::kError));
  EXPECT_EQ((*reader.Next())->AsNumber(), 42);
  EXPECT_EQ((*reader.Next())->text, "a\r\n");
  EXPECT_TRUE((*reader.Next())->is(Kind::kNil));
  const auto list = *reader.Next();
  ASSERT_TRUE(list->is(Kind::kList));
  EXPECT_EQ(list->at(0).text, "x");
  EXPECT_EQ(list->at(1).at(0).number, 7);
  EXPECT_TRUE(list->at(2).is(Kind::kNil));
  EXPECT_EQ(*reader.Next(), nullptr);
}

TEST(ReplyTest, WaitsForTheRest) {
  ReplyReader reader;
  const std::string_view text = "*2\r\n$5\r\nhello\r\n:1\r\n";
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_EQ(*reader.Next(), nullptr);
    ASSERT_TRUE(reader.Feed(text.substr(i, 1)));
  }
  EXPECT_EQ((*reader.Next())->list.size(), 2U);
}

TEST(ReplyTest, RefusesWhatIsNoReply) {
  ReplyReader reader;
  ASSERT_TRUE(reader.Feed("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_FALSE(reader.Next());
}

TEST(ReplyTest, AnnouncedElementsTakeNoRoom) {
  ReplyReader reader;
  ASSERT_TRUE(reader.Feed("*2147483647\r\n"));
  EXPECT_EQ(*reader.Next(), nullptr);
}

TEST(ReplyTest, AnAnswerWithoutEndIsTooLong) {
  ReplyReader reader;
  const std::string part(1024 * 1024, 'x');
  ASSERT_TRUE(reader.Feed("$1000000000\r\n"));
  size_t fed = 0;
  while (reader.Feed(part) && fed < 2 * kAnswerBytesMax) {
    fed += part.size();
    ASSERT_EQ(*reader.Next(), nullptr);
  }
  EXPECT_LE(fed, kAnswerBytesMax);
}

TEST(ReplyTest, NumbersMayBeTexts) {
  Reply reply{.kind = Kind::kText, .text = "1700000000000"};
  EXPECT_EQ(reply.AsNumber(), 1'700'000'000'000);
  reply.text = "1.5";
  EXPECT_FALSE(reply.AsNumber());
  reply.text = "";
  EXPECT_FALSE(reply.AsNumber());
}

TEST(ReplyTest, RequestsAreBinarySafe) {
  const std::array<std::string_view, 2> words = {"SET", std::string_view("a\0\r\n", 4)};
  EXPECT_EQ(RenderRequest(words).Expose(),
            std::string_view("*2\r\n$3\r\nSET\r\n$4\r\na\0\r\n\r\n", 23));
}

}  // namespace
}  // namespace poplar::shared_state
