#include "proxy/cli/session_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metrics/session_page.h"

namespace poplar::cli {
namespace {

using testing::ElementsAre;

TEST(SessionsTargetTest, SaysWhatIsAsked) {
  EXPECT_EQ(SessionsTarget({}), "/api/v1/sessions?limit=100");
  EXPECT_EQ(SessionsTarget({.user = "a+b@x", .node = "main/n1", .client = "::1", .limit = 7}),
            "/api/v1/sessions?limit=7&user=a%2Bb%40x&node=main%2Fn1&client=%3A%3A1");
}

// What the one side writes the other reads.
TEST(ReadSessionsTest, ReadsWhatIsWritten) {
  const metrics::SessionsView view{
      .total = 12,
      .sessions = {{.id = "00ff",
                    .user = "a\"\\\xc3\xa4: [x]@example.org",
                    .listener = "pop3s",
                    .client = "192.0.2.1:1234",
                    .cluster = "main",
                    .node = "n1",
                    .state = "relaying",
                    .age = 75.5,
                    .idle = 0.25,
                    .messages = 3,
                    .bytes_to_client = 1500,
                    .commands = 9},
                   {.id = "0000", .client = "[::1]:5", .state = "handshake"}}};
  const auto listed = ReadSessions(SessionsAsJson(view));
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->total, 12u);
  const auto rows = SessionRows(*listed);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].front(), "SESSION");
  EXPECT_THAT(rows[1],
              ElementsAre("00ff", "1m15s", "0s", "relaying", "a\"\\\xc3\xa4: [x]@example.org",
                          "192.0.2.1:1234", "main/n1", "9", "3", "1.5 kB"));
  EXPECT_THAT(rows[2],
              ElementsAre("0000", "0s", "-", "handshake", "-", "[::1]:5", "-", "0", "0", "0 B"));
}

TEST(ReadSessionsTest, TakesNothingElse) {
  for (const char* text : {"", "[]", "{", "<html>", R"({"sessions":1})", R"({"total":1})"})
    EXPECT_FALSE(ReadSessions(text)) << text;
}

TEST(AgeTextTest, HasTwoFiguresAtMost) {
  EXPECT_EQ(AgeText(-1), "0s");
  EXPECT_EQ(AgeText(59.9), "59s");
  EXPECT_EQ(AgeText(60), "1m00s");
  EXPECT_EQ(AgeText(3599), "59m59s");
  EXPECT_EQ(AgeText(3 * 3600 + 5 * 60), "3h05m");
  EXPECT_EQ(AgeText(52 * 3600), "2d4h");
}

TEST(BytesTextTest, HasAUnit) {
  EXPECT_EQ(BytesText(0), "0 B");
  EXPECT_EQ(BytesText(999), "999 B");
  EXPECT_EQ(BytesText(1000), "1.0 kB");
  EXPECT_EQ(BytesText(12'345'678), "12.3 MB");
  EXPECT_EQ(BytesText(5e15), "5000.0 TB");
}

}  // namespace
}  // namespace poplar::cli
