#include "proxy/cli/top_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace poplar::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class TopPictureTest : public testing::Test {
 protected:
  TopPictureTest() {
    before_.now = 100;
    now_ = {.version = "0.1.0",
            .started = 40,
            .now = 102,
            .ready = true,
            .sessions = 3,
            .logins_ok = 20,
            .logins_failed = 1,
            .messages = 40,
            .bytes_to_clients = 2'000'000,
            .login = {.buckets = {{0.01, 10}, {2, 20}}, .count = 20},
            .nodes = {{.cluster = "main",
                       .name = "n1",
                       .state = "up",
                       .admin_state = "up",
                       .in_service = true,
                       .sessions = 3,
                       .slots = 20,
                       .in_use = 3,
                       .probe_seconds = 0.0042},
                      {.cluster = "main",
                       .name = "n2",
                       .state = "down",
                       .admin_state = "drain",
                       .evidence = "3 probes failed\nin a row"}},
            .listed = {.total = 3}};
    ListedSession session;
    session.id = "00ff";
    session.user = "stranger\x1b[2J";
    session.doing = "idle";
    now_.listed.sessions = {session};
  }
  std::string Draw(TopSize size = {.columns = 200, .rows = 0},
                   config::Color color = config::Color::kNever) {
    return TopPicture(before_, now_, "127.0.0.1:9995", size, color);
  }

  TopSample before_;
  TopSample now_;
};

TEST_F(TopPictureTest, ShowsAll) {
  const std::string picture = Draw();
  EXPECT_THAT(picture, StartsWith("poplar 0.1.0 at 127.0.0.1:9995  up 1m02s  ready  3 sessions\n"
                                  "logins 10.0/s  failed 0.5/s  login p50 10.0 ms  p99 1.96 s  "
                                  "messages 20.0/s  sent 1.0 MB/s\n\nNODE "));
  EXPECT_THAT(picture,
              HasSubstr("\nmain/n1  up           3         3       0     0       20        "
                        "0        4.2 ms  none\n"));
  EXPECT_THAT(picture,
              HasSubstr("\nmain/n2  down, drain  0         0       0     0       no limit  "
                        "0        -       3 probes failed?in a row\n"));
  EXPECT_THAT(picture, HasSubstr(" stranger?[2J "));
  EXPECT_THAT(picture, Not(HasSubstr("\x1b")));
}

TEST_F(TopPictureTest, AtFirstThereAreNoRates) {
  before_ = now_;
  EXPECT_THAT(Draw(), HasSubstr("logins 0.0/s  failed 0.0/s  login p50 -  p99 -  "));
}

TEST_F(TopPictureTest, SaysThatItDrains) {
  now_.ready = false;
  EXPECT_THAT(Draw(), HasSubstr("  not ready  "));
  now_.draining = true;
  EXPECT_THAT(Draw(), HasSubstr("  draining  "));
}

TEST_F(TopPictureTest, SaysThatIoUringIsRefused) {
  EXPECT_THAT(Draw(), HasSubstr("\n\nNODE ")) << "the rates, nothing, the nodes";
  now_.io_note = "Sockets are served by epoll: \x1b[2J";
  EXPECT_THAT(Draw(), HasSubstr("\nSockets are served by epoll: ?[2J\n\nNODE "));
}

TEST_F(TopPictureTest, WhatIsOutIsRed) {
  const std::string picture = Draw({.columns = 200, .rows = 0}, config::Color::kAlways);
  EXPECT_THAT(picture, HasSubstr("\n\x1b[31mmain/n2 "));
  EXPECT_THAT(picture, HasSubstr("\nmain/n1 "));
  EXPECT_THAT(picture, HasSubstr("\n\x1b[1mNODE "));
}

TEST_F(TopPictureTest, FitsTheWindow) {
  for (size_t columns : {1, 7, 40}) {
    for (size_t rows : {1, 4, 6, 100}) {
      std::istringstream lines(Draw({.columns = columns, .rows = rows}));
      size_t count = 0;
      for (std::string line; std::getline(lines, line); ++count)
        EXPECT_LE(line.size(), columns) << line;
      EXPECT_LE(count, rows);
    }
  }
}

TEST(FirstColumnsTest, CutsNoCharacterApart) {
  EXPECT_EQ(FirstColumns("abc", 2), "ab");
  EXPECT_EQ(FirstColumns("abc", 9), "abc");
  EXPECT_EQ(FirstColumns("\xc3\xa4\xe2\x82\xac!", 1), "\xc3\xa4");
  EXPECT_EQ(FirstColumns("\xc3\xa4\xe2\x82\xac!", 2), "\xc3\xa4\xe2\x82\xac");
  EXPECT_EQ(FirstColumns("a", 0), "");
}

}  // namespace
}  // namespace poplar::cli
