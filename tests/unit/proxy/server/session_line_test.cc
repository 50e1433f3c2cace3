#include "proxy/server/session_line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace poplar::server {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr int64_t kUnixMicros = 1'767'225'599'000'042;  // 2025-12-31T23:59:59.000042Z

session::Record WholeRecord() {
  session::Record record;
  record.id = 0xabc;
  record.client = *io::Address::Parse("2001:db8::7", 50123);
  record.listener = "pop3s";
  record.user = "alice@example.com";
  record.node = "mail/node1";
  record.mechanism = "PLAIN";
  record.balancer = *io::Address::Parse("192.0.2.80", 1234);
  record.stls = true;
  record.tls_version = "TLSv1.3";
  record.tls_cipher = "TLS_AES_128_GCM_SHA256";
  record.tls_resumed = true;
  record.logged_in = true;
  record.lease = "parked";
  record.parked = true;
  record.queued = milliseconds(3);
  record.snapshot = microseconds(2'000'001);
  record.resumes = 2;
  record.stalled = microseconds(3'250'500);
  record.messages = 3;
  record.message_bytes = 4096;
  record.deletes = 2;
  record.commands = 9;
  record.bytes_from_client = 70;
  record.bytes_to_client = 5000;
  record.handshake = microseconds(1234);
  record.login = milliseconds(20);
  record.connect = milliseconds(1);
  record.greeting = milliseconds(2);
  record.authentication = microseconds(16500);
  record.total = milliseconds(1500);
  record.reason = session::EndReason::kQuit;
  return record;
}

TEST(SessionLine, IsAJsonObject) {
  EXPECT_EQ(
      SessionLine(LineFormat::kJson, kUnixMicros, WholeRecord()),
      R"({"time":"2025-12-31T23:59:59.000042Z","level":"info","event":"session",)"
      R"("id":"0000000000000abc","client":"2001:db8::7","client_port":50123,)"
      R"("listener":"pop3s","user":"alice@example.com","node":"mail/node1","lease":"parked",)"
      R"("tls_version":"TLSv1.3","tls_cipher":"TLS_AES_128_GCM_SHA256",)"
      R"("tls_resumed":true,"logged_in":true,"opaque":false,"parked":true,"messages":3,"bytes":4096,)"
      R"("deletes":2,"commands":9,"bytes_in":70,"bytes_out":5000,"duration_ms":1500.000,)"
      R"("mechanism":"PLAIN","balancer":"192.0.2.80","stls":true,)"
      R"("handshake_ms":1.234,"login_ms":20.000,"connect_ms":1.000,"node_tls_ms":0.000,)"
      R"("greeting_ms":2.000,"auth_ms":16.500,"queued_ms":3.000,"snapshot_ms":2000.001,)"
      R"("resumes":2,"stalled_ms":3250.500,"reason":"quit","side":"client"})");
}

TEST(SessionLine, IsLogfmt) {
  EXPECT_EQ(
      SessionLine(LineFormat::kLogfmt, kUnixMicros, WholeRecord()),
      "time=2025-12-31T23:59:59.000042Z level=info event=session id=0000000000000abc "
      "client=2001:db8::7 client_port=50123 listener=pop3s user=alice@example.com "
      "node=mail/node1 lease=parked tls_version=TLSv1.3 tls_cipher=TLS_AES_128_GCM_SHA256 "
      "tls_resumed=true logged_in=true opaque=false parked=true messages=3 bytes=4096 deletes=2 "
      "commands=9 bytes_in=70 bytes_out=5000 duration_ms=1500.000 mechanism=PLAIN "
      "balancer=192.0.2.80 stls=true handshake_ms=1.234 "
      "login_ms=20.000 connect_ms=1.000 node_tls_ms=0.000 greeting_ms=2.000 auth_ms=16.500 "
      "queued_ms=3.000 snapshot_ms=2000.001 resumes=2 stalled_ms=3250.500 "
      "reason=quit side=client");
}

TEST(SessionLine, LeavesOutWhatWasNeverReached) {
  session::Record record;
  record.client = *io::Address::Parse("192.0.2.1", 1);
  record.listener = "pop3s";
  record.failure = "no TLS: the client spoke first";
  record.reason = session::EndReason::kNotTls;
  EXPECT_EQ(SessionLine(LineFormat::kLogfmt, 0, record),
            "time=1970-01-01T00:00:00.000000Z level=info event=session id=0000000000000000 "
            "client=192.0.2.1 client_port=1 listener=pop3s user=\"\" node=\"\" lease=\"\" "
            "tls_version=\"\" "
            "tls_cipher=\"\" tls_resumed=false logged_in=false opaque=false parked=false "
            "messages=0 bytes=0 "
            "deletes=0 commands=0 bytes_in=0 bytes_out=0 duration_ms=0.000 "
            "failure=\"no TLS: the client spoke first\" reason=not_tls side=client");
}

// A client that waited in vain has waited too.
TEST(SessionLine, SaysWhyASessionWasNotResumed) {
  const auto ends_with = [](const session::Record& record, const std::string& json,
                            const std::string& logfmt) {
    const std::string in_json = SessionLine(LineFormat::kJson, 0, record);
    EXPECT_TRUE(in_json.ends_with(json)) << in_json;
    const std::string in_logfmt = SessionLine(LineFormat::kLogfmt, 0, record);
    EXPECT_TRUE(in_logfmt.ends_with(logfmt)) << in_logfmt;
  };
  session::Record record;
  record.reason = session::EndReason::kNodeEof;
  ends_with(record, R"("duration_ms":0.000,"reason":"node_eof","side":"node"})",
            "duration_ms=0.000 reason=node_eof side=node");
  record.not_resumed = "opaque";
  ends_with(record,
            R"("duration_ms":0.000,"not_resumed":"opaque","reason":"node_eof","side":"node"})",
            "duration_ms=0.000 not_resumed=opaque reason=node_eof side=node");
  record.not_resumed = "deadline";
  record.stalled = milliseconds(15'000);
  ends_with(record,
            R"("stalled_ms":15000.000,"not_resumed":"deadline","reason":"node_eof","side":"node"})",
            "0.000 stalled_ms=15000.000 not_resumed=deadline reason=node_eof side=node");
  record.resumes = 1;
  ends_with(record,
            R"("resumes":1,"stalled_ms":15000.000,"not_resumed":"deadline","reason":"node_eof",)"
            R"("side":"node"})",
            "resumes=1 stalled_ms=15000.000 not_resumed=deadline reason=node_eof side=node");
}

struct HostileName {
  std::string name;
  std::string json;  // with its quotes
  std::string logfmt;
};

TEST(StructuredLine, EscapesWhateverIsNotPrintableAscii) {
  const HostileName cases[] = {
      {"a\"b", R"("a\"b")", R"("a\"b")"},
      {"a\\b", R"("a\\b")", R"("a\\b")"},
      {"a\nlevel=error", R"("a\u000alevel=error")", R"("a\u000alevel=error")"},
      {"a\r\nb", R"("a\u000d\u000ab")", R"("a\u000d\u000ab")"},
      {"a b", R"("a b")", R"("a b")"},
      {"a=b", R"("a=b")", R"("a=b")"},
      {"", R"("")", R"("")"},
      {std::string("\0", 1), R"("\u0000")", R"("\u0000")"},
      {"\x7f\x1b[31m", R"("\u007f\u001b[31m")", R"("\u007f\u001b[31m")"},
      {"J\xc3\xbcrgen", R"("J\u00c3\u00bcrgen")", R"("J\u00c3\u00bcrgen")"},
      {"\xff", R"("\u00ff")", R"("\u00ff")"},
      {"{}{0}%n%s", R"("{}{0}%n%s")", "{}{0}%n%s"},
      {"\"}", R"("\"}")", R"("\"}")"},
  };
  for (const HostileName& hostile : cases) {
    session::Record record;
    record.user = hostile.name;
    const std::string json = SessionLine(LineFormat::kJson, 0, record);
    EXPECT_NE(json.find(",\"user\":" + hostile.json + ",\"node\":"), std::string::npos) << json;
    const std::string logfmt = SessionLine(LineFormat::kLogfmt, 0, record);
    EXPECT_NE(logfmt.find(" user=" + hostile.logfmt + " node="), std::string::npos) << logfmt;
  }
}

TEST(StructuredLine, StaysOneLineOfPrintableAsciiForAnyByte) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const LineFormat format : {LineFormat::kJson, LineFormat::kLogfmt}) {
      const std::string value(3, static_cast<char>(byte));
      const std::string line = StructuredLine(format, 0, "info", "x").Text("v", value).Take();
      EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) {
        return c >= ' ' && c <= '~';
      })) << byte;
    }
  }
}

TEST(SessionLine, NamesEveryReasonOnce) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < session::kEndReasons.size(); ++i) {
    session::Record record;
    record.reason = static_cast<session::EndReason>(i);
    const std::string_view name = Name(record.reason);
    EXPECT_TRUE(names.insert(name).second) << name << " twice";
    EXPECT_FALSE(name.empty());
    EXPECT_TRUE(std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || c == '_';
    })) << name;
    const std::string line = SessionLine(LineFormat::kLogfmt, 0, record);
    EXPECT_TRUE(line.ends_with(" reason=" + std::string(name) +
                               " side=" + std::string(Name(SideOf(record.reason)))))
        << line;
  }
}

TEST(SessionLine, NamesTheRuleAndTheMove) {
  session::Record record;
  record.route = "by-domain";
  record.move = "away";
  EXPECT_NE(SessionLine(LineFormat::kJson, kUnixMicros, record)
                .find(R"(,"route":"by-domain","move":"away",)"),
            std::string::npos);
  EXPECT_NE(
      SessionLine(LineFormat::kLogfmt, kUnixMicros, record).find(" route=by-domain move=away "),
      std::string::npos);
}

TEST(StructuredLine, IsFieldsForTheJournal) {
  StructuredLine line(LineFormat::kJournal, kUnixMicros, "warning", "node");
  line.Text("node", "mail/node1").Text("evidence", "said \"no\\\"\n").Number("count", 7);
  line.Millis("took_ms", microseconds(1500)).Flag("well", false);
  EXPECT_EQ(line.Take(),
            "SYSLOG_IDENTIFIER=poplar\nPRIORITY=4\nPOPLAR_EVENT=node\nPOPLAR_NODE=mail/node1\n"
            "POPLAR_EVIDENCE=said \"no\\\"\\u000a\nPOPLAR_COUNT=7\nPOPLAR_TOOK_MS=1.500\n"
            "POPLAR_WELL=false\n"
            "MESSAGE=event=node node=mail/node1 evidence=\"said \\\"no\\\\\\\"\\u000a\" count=7 "
            "took_ms=1.500 well=false\n");
}

TEST(StructuredLine, HasItsMessageAsTheJournalsMessage) {
  StructuredLine line(LineFormat::kJournal, kUnixMicros, "error", "process");
  line.Text("message", "so it is\n");
  EXPECT_EQ(
      line.Take(),
      "SYSLOG_IDENTIFIER=poplar\nPRIORITY=3\nPOPLAR_EVENT=process\nMESSAGE=so it is\\u000a\n");
}

}  // namespace
}  // namespace poplar::server
