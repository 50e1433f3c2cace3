#include "proxy/config/report.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>

namespace poplar::config {
namespace {

std::string Render(const Problems& problems, const std::string& text, Color color = Color::kNever) {
  std::ostringstream out;
  RenderReport(problems, {"poplar.yaml", text}, color, out);
  return out.str();
}

TEST(RenderReport, ShowsPlaceLineCaretExpectationAndSuggestion) {
  EXPECT_EQ(
      Render({{Severity::kError, {2, 3}, "tls.wieght", "unknown key", "one of a, b", "weight"}},
             "tls:\n  wieght: 5\n"),
      "poplar.yaml:2:3: error: tls.wieght: unknown key\n"
      "  2 |   wieght: 5\n"
      "    |   ^\n"
      "  expected: one of a, b\n"
      "  did you mean \"weight\"?\n"
      "1 error, 0 warnings\n");
}

TEST(RenderReport, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(Render({{Severity::kWarning, {}, "", "cannot be read", "", ""}}, ""),
            "poplar.yaml: warning: cannot be read\n0 errors, 1 warning\n");
  EXPECT_EQ(Render({}, ""), "0 errors, 0 warnings\n");
}

TEST(RenderReport, FollowsTheFilesOrder) {
  EXPECT_EQ(Render({{Severity::kError, {2, 1}, "", "third", "", ""},
                    {Severity::kError, {1, 2}, "", "second", "", ""},
                    {Severity::kError, {2, 1}, "", "fourth", "", ""},
                    {Severity::kWarning, {}, "", "first", "", ""}},
                   "ab\nc\n"),
            "poplar.yaml: warning: first\n"
            "poplar.yaml:1:2: error: second\n  1 | ab\n    |  ^\n"
            "poplar.yaml:2:1: error: third\n  2 | c\n    | ^\n"
            "poplar.yaml:2:1: error: fourth\n  2 | c\n    | ^\n"
            "3 errors, 1 warning\n");
}

TEST(RenderReport, AlignsTheCaretUnderCharactersNotBytes) {
  EXPECT_EQ(
      Render({{Severity::kError, {1, 6}, "", "m", "", ""}}, "\xc3\xa4\xc3\xb6\t!x"),
      "poplar.yaml:1:6: error: m\n  1 | \xc3\xa4\xc3\xb6 !x\n    |    ^\n1 error, 0 warnings\n");
}

TEST(RenderReport, SurvivesPositionsOutsideTheText) {
  EXPECT_EQ(Render({{Severity::kError, {1, 99}, "", "m", "", ""}}, "ab"),
            "poplar.yaml:1:99: error: m\n  1 | ab\n    |   ^\n1 error, 0 warnings\n");
  EXPECT_EQ(Render({{Severity::kError, {7, 1}, "", "m", "", ""}}, "ab"),
            "poplar.yaml:7:1: error: m\n1 error, 0 warnings\n");
}

TEST(RenderReport, LetsNoControlCharacterThrough) {
  const std::string shown =
      Render({{Severity::kError, {1, 1}, "", "m", "", "a\033b"}}, "x\033[2J\r\n");
  EXPECT_EQ(shown.find('\033'), std::string::npos);
  EXPECT_EQ(shown.find('\r'), std::string::npos);
}

TEST(RenderReport, ShowsAPartOfAnEndlessLine) {
  std::string text(100'000, 'a');
  text[50'000] = 'X';
  const std::string shown = Render({{Severity::kError, {1, 50'001}, "", "m", "", ""}}, text);
  EXPECT_EQ(shown, "poplar.yaml:1:50001: error: m\n  1 | " + std::string(80, 'a') + "X" +
                       std::string(39, 'a') + "\n    | " + std::string(80, ' ') +
                       "^\n1 error, 0 warnings\n");
  // Never in the middle of a character, whatever the offset.
  std::string wide;
  for (int i = 0; i < 1000; ++i) wide += "\xe2\x82\xac";
  for (int column = 1; column < 3000; ++column) {
    const std::string part = Render({{Severity::kError, {1, column}, "", "m", "", ""}}, wide);
    EXPECT_EQ(part.find("| \xe2\x82\xac"), part.find("| ")) << column;
    EXPECT_NE(part.find("\xe2\x82\xac\n"), std::string::npos) << column;
  }
}

TEST(RenderReport, ColoursOnlyWhenTold) {
  const Problems problems = {{Severity::kError, {1, 1}, "", "m", "", ""}};
  EXPECT_NE(Render(problems, "x", Color::kAlways).find("\033[1;31merror:\033[0m"),
            std::string::npos);
  EXPECT_EQ(Render(problems, "x", Color::kNever).find('\033'), std::string::npos);
}

class ColorForTest : public testing::Test {
 protected:
  void SetUp() override {
    terminal_ = posix_openpt(O_RDWR | O_NOCTTY);
    ASSERT_GE(terminal_, 0);
    ASSERT_EQ(pipe(pipe_), 0);
    unsetenv("NO_COLOR");
  }
  void TearDown() override {
    unsetenv("NO_COLOR");
    close(terminal_);
    close(pipe_[0]);
    close(pipe_[1]);
  }
  int terminal_ = -1;
  int pipe_[2] = {-1, -1};
};

TEST_F(ColorForTest, OnlyOnATerminalAndWithoutNoColor) {
  EXPECT_EQ(ColorFor(terminal_), Color::kAlways);
  EXPECT_EQ(ColorFor(pipe_[1]), Color::kNever);
  setenv("NO_COLOR", "", 1);  // empty counts as unset
  EXPECT_EQ(ColorFor(terminal_), Color::kAlways);
  setenv("NO_COLOR", "1", 1);
  EXPECT_EQ(ColorFor(terminal_), Color::kNever);
}

}  // namespace
}  // namespace poplar::config
