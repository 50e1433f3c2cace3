#include "metrics/session_page.h"

#include <gtest/gtest.h>

namespace poplar::metrics {
namespace {

TEST(SessionsAsJsonTest, SaysAllThatIsKnown) {
  const SessionView whole{.id = "0123456789abcdef",
                          .user = "a\"<b>@example.org",
                          .listener = "pop3s",
                          .client = "192.0.2.1:1234",
                          .cluster = "main",
                          .node = "mail1",
                          .state = "relaying",
                          .age = 12.5,
                          .idle = 0.25,
                          .mechanism = "PLAIN",
                          .tls = "TLSv1.3",
                          .lease = "warm",
                          .messages = 3,
                          .bytes_to_client = 1234,
                          .commands = 9,
                          .opaque = true};
  EXPECT_EQ(SessionsAsJson({.total = 4711, .sessions = {whole}}),
            R"({"total":4711,"sessions":[{"id":"0123456789abcdef","user":"a\"<b>@example.org",)"
            R"("listener":"pop3s","client":"192.0.2.1:1234","cluster":"main","node":"mail1",)"
            R"("state":"relaying","age":12.5,"idle":0.25,"mechanism":"PLAIN","tls":"TLSv1.3",)"
            R"("lease":"warm","messages":3,"bytes_to_client":1234,"commands":9,"opaque":true}]})"
            "\n");
}

TEST(SessionsAsJsonTest, LeavesOutWhatIsNot) {
  EXPECT_EQ(SessionsAsJson({.total = 1,
                            .sessions = {{.id = "ab",
                                          .listener = "pop3s",
                                          .client = "[::1]:5",
                                          .state = "handshake"}}}),
            R"({"total":1,"sessions":[{"id":"ab","listener":"pop3s","client":"[::1]:5",)"
            R"("state":"handshake","age":0,"messages":0,"bytes_to_client":0,"commands":0,)"
            R"("opaque":false}]})"
            "\n");
  EXPECT_EQ(SessionsAsJson({}), "{\"total\":0,\"sessions\":[]}\n");
}

}  // namespace
}  // namespace poplar::metrics
