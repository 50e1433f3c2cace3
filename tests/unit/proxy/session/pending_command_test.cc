#include "proxy/session/pending_command.h"

#include <gtest/gtest.h>

namespace poplar::session {
namespace {

struct LineCase {
  const char* line;
  bool repeatable;
  uint32_t message;
  uint32_t lines;
  bool multi_line;
  bool retrieves;
  const char* again;  // of message 7 at the node; empty: it can't be asked again
};

constexpr uint32_t kMost = 4'294'967'295;

const LineCase kLines[] = {
    {"STAT", true, 0, 0, false, false, "STAT\r\n"},
    {"list", true, 0, 0, true, false, "LIST\r\n"},
    {"LIST 3", true, 3, 0, false, false, "LIST 7\r\n"},
    {"UIDL", true, 0, 0, true, false, "UIDL\r\n"},
    {"UIDL 3 ", true, 3, 0, false, false, "UIDL 7\r\n"},
    {"RETR 3", true, 3, 0, true, true, "RETR 7\r\n"},
    {"RETR 003", true, 3, 0, true, true, "RETR 7\r\n"},
    {"TOP 3 20", true, 3, 20, true, false, "TOP 7 20\r\n"},
    {"TOP 3 99999999", true, 3, 99'999'999, true, true, "TOP 7 99999999\r\n"},
    {"TOP 3 99999999999999999999", true, 3, kMost, true, true, "TOP 7 4294967295\r\n"},
    {"DELE 3", true, 3, 0, false, false, "DELE 7\r\n"},
    {"RSET", true, 0, 0, false, false, "RSET\r\n"},
    {"NOOP", true, 0, 0, false, false, "NOOP\r\n"},
    {"CAPA", true, 0, 0, true, false, "CAPA\r\n"},
    {"QUIT", true, 0, 0, false, false, "QUIT\r\n"},
    // What isn't understood to the end is asked once only.
    {"RETR", false, 0, 0, true, true, ""},
    {"RETR 0", false, 0, 0, true, true, ""},
    {"RETR -1", false, 0, 0, true, true, ""},
    {"RETR 3 4", false, 0, 0, true, true, ""},
    {"RETR 3x", false, 0, 0, true, true, ""},
    {"TOP 3", false, 0, 0, true, false, ""},
    {"TOP 3  20", false, 0, 0, true, false, ""},
    {"TOP 3 x", false, 0, 0, true, false, ""},
    {"DELE", false, 0, 0, false, false, ""},
    {"DELE all", false, 0, 0, false, false, ""},
    {"LIST x", false, 0, 0, false, false, ""},
    {"STAT now", false, 0, 0, false, false, ""},
    {"QUIT now", false, 0, 0, false, false, ""},
    {"LAST", false, 0, 0, false, false, ""},
    {"LANG de", false, 0, 0, false, false, ""},
    {"UTF8", false, 0, 0, false, false, ""},
    {"XTND", false, 0, 0, false, false, ""},
};

TEST(PendingCommandTest, TakesDownWhatIsAsked) {
  for (const LineCase& each : kLines) {
    SCOPED_TRACE(each.line);
    const pop3::Command command = pop3::ParseCommand(each.line);
    const PendingCommand pending = Pending(command);
    EXPECT_EQ(pending.verb, command.verb);
    EXPECT_EQ(pending.repeatable, each.repeatable);
    EXPECT_EQ(pending.multi_line, each.multi_line);
    EXPECT_EQ(pending.retrieves, each.retrieves);
    if (!each.repeatable) continue;
    EXPECT_EQ(pending.message, each.message);
    EXPECT_EQ(pending.lines, each.lines);
    EXPECT_EQ(LineAtNode(pending, 7, false), each.again);
  }
}

TEST(PendingCommandTest, StatOfAPartIsMadeOfAListing) {
  EXPECT_EQ(LineAtNode(Pending(pop3::ParseCommand("STAT")), 0, true), "LIST\r\n");
  EXPECT_EQ(LineAtNode(Pending(pop3::ParseCommand("UIDL")), 0, true), "UIDL\r\n");
}

TEST(PendingCommandTest, NamesMessages) {
  for (const char* line : {"LIST", "UIDL 1", "RETR 1", "TOP 1 1", "DELE 1", "LAST"}) {
    EXPECT_TRUE(NamesMessages(Pending(pop3::ParseCommand(line)))) << line;
  }
  for (const char* line : {"STAT", "NOOP", "RSET", "CAPA", "QUIT", "XTND"}) {
    EXPECT_FALSE(NamesMessages(Pending(pop3::ParseCommand(line)))) << line;
  }
}

}  // namespace
}  // namespace poplar::session
