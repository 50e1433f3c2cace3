#include "proxy/pop3/reply.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "proxy/pop3/limits.h"

namespace poplar::pop3 {
namespace {

struct ReplyCase {
  std::string_view line;
  bool ok;
  ResponseCode code;
  std::string_view text;
};

TEST(ParseReplyTest, TakesStatusCodeAndTextApart) {
  const ReplyCase cases[] = {
      {"+OK", true, ResponseCode::kNone, ""},
      {"+OK ", true, ResponseCode::kNone, ""},
      {"+OK ready", true, ResponseCode::kNone, "ready"},
      {"+OKready", true, ResponseCode::kNone, "ready"},
      {"+OK\tready", true, ResponseCode::kNone, "\tready"},
      {"+OK  two", true, ResponseCode::kNone, " two"},
      {"+OK [XCLIENT] Dovecot", true, ResponseCode::kOther, "Dovecot"},
      {"-ERR", false, ResponseCode::kNone, ""},
      {"-ERR ", false, ResponseCode::kNone, ""},
      {"-ERR no", false, ResponseCode::kNone, "no"},
      {"-ERR [IN-USE] busy", false, ResponseCode::kInUse, "busy"},
      {"-ERR [in-use] busy", false, ResponseCode::kInUse, "busy"},
      {"-ERR [IN-USE/LOCKED] busy", false, ResponseCode::kInUse, "busy"},
      {"-ERR [IN-USEFUL] x", false, ResponseCode::kOther, "x"},
      {"-ERR [LOGIN-DELAY]", false, ResponseCode::kLoginDelay, ""},
      {"-ERR [AUTH] no", false, ResponseCode::kAuth, "no"},
      {"-ERR [AUTHORIZATIONFAILED] no", false, ResponseCode::kOther, "no"},
      {"-ERR [SYS/TEMP] later", false, ResponseCode::kSysTemp, "later"},
      {"-ERR [sys/temp]later", false, ResponseCode::kSysTemp, "later"},
      {"-ERR [SYS/PERM] never", false, ResponseCode::kSysPerm, "never"},
      {"-ERR [SYS/PERM/DISK] never", false, ResponseCode::kSysPerm, "never"},
      {"-ERR [SYS] x", false, ResponseCode::kOther, "x"},
      {"-ERR [] x", false, ResponseCode::kOther, "x"},
      {"-ERR [IN-USE busy", false, ResponseCode::kNone, "[IN-USE busy"},
      {"-ERR busy [IN-USE]", false, ResponseCode::kNone, "busy [IN-USE]"},
  };
  for (const ReplyCase& c : cases) {
    const auto reply = ParseReply(c.line);
    ASSERT_TRUE(reply.has_value()) << c.line;
    EXPECT_EQ(reply->ok, c.ok) << c.line;
    EXPECT_EQ(reply->code, c.code) << c.line;
    EXPECT_EQ(reply->text, c.text) << c.line;
  }
}

TEST(ParseReplyTest, RefusesWhatIsNoStatusLine) {
  const std::string_view lines[] = {
      "",           "+",      "+O",         "+ok",  "+ OK", "-",   "-ER",
      "-err no",    "-ERRno", "-ERR\tno",   " +OK", "OK",   "ERR", "HTTP/1.1 200 OK",
      "* OK IMAP4", "220 ",   "+ dGVzdA==", "."};
  for (std::string_view line : lines) EXPECT_FALSE(ParseReply(line).has_value()) << line;
}

bool MakesFetchmailTryAgain(std::string_view text) {
  const bool unavailable =
      text.find("Service") != text.npos && text.find("unavailable") != text.npos;
  return unavailable || text.find("wait") != text.npos || text.find("lock") != text.npos ||
         text.find("Lock") != text.npos || text.find("LOCK") != text.npos ||
         text.find("[IN-USE]") != text.npos || text.find("[LOGIN-DELAY]") != text.npos;
}

TEST(OwnRepliesTest, AreOneShortHonestLineEach) {
  for (std::string_view reply : kOwnReplies) {
    SCOPED_TRACE(std::string(reply));
    EXPECT_LE(reply.size(), kOwnLineBytesMax);
    ASSERT_TRUE(reply.ends_with("\r\n"));
    const std::string_view line = reply.substr(0, reply.size() - 2);
    EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; }));
    EXPECT_EQ(line.find_first_of("<>@"), line.npos) << "reads as an APOP stamp";
    const auto parsed = ParseReply(line);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_NE(parsed->code, ResponseCode::kOther);
    const bool temporary =
        parsed->code == ResponseCode::kSysTemp || parsed->code == ResponseCode::kInUse;
    EXPECT_EQ(temporary, MakesFetchmailTryAgain(line));
    EXPECT_TRUE(!parsed->ok || parsed->code == ResponseCode::kNone);
  }
}

}  // namespace
}  // namespace poplar::pop3
