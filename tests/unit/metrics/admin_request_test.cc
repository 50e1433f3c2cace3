#include "metrics/admin_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metrics/move_page.h"
#include "metrics/node_page.h"
#include "tests/unit/metrics/sample_nodes.h"

namespace poplar::metrics {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

using Headers = std::vector<AdminRequest::Header>;

class AdminRequestTest : public testing::Test {
 protected:
  AdminRequestTest() {
    handlers_ = {.metrics = [] { return std::string("poplar_up 1\n"); },
                 .live = [] { return true; },
                 .ready = [] { return false; },
                 .nodes = [] { return SampleNodes(); },
                 .set_state =
                     [this](std::string_view cluster, std::string_view node, AdminState state) {
                       changes_.push_back(std::string(cluster) + "|" + std::string(node) + "|" +
                                          std::string(TextOf(state)));
                       return node == "gone" ? SetStateResult::kUnknownNode : SetStateResult::kOk;
                     }};
  }

  AdminResponse Ask(std::string_view method, std::string_view path, std::string_view query = "",
                    const Headers& headers = {}, std::string_view peer = "127.0.0.1") const {
    return RespondTo(
        {.method = method, .path = path, .query = query, .peer = peer, .headers = headers},
        handlers_);
  }
  AdminResponse Drain(const Headers& headers, std::string_view peer = "127.0.0.1") const {
    return Ask("POST", "/nodes/main/mail1", "state=drain", headers, peer);
  }

  AdminHandlers handlers_;
  std::vector<std::string> changes_;
};

TEST_F(AdminRequestTest, NodesAreJsonUnlessAPersonAsks) {
  const Headers browser = {{"aCCEPT", "text/html,application/xhtml+xml,*/*;q=0.8"}};
  const Headers curl = {{"Accept", "*/*"}};
  struct Case {
    std::string query;
    Headers headers;
    bool is_table;
  };
  const Case cases[] = {{"", {}, false},
                        {"", curl, false},
                        {"", browser, true},
                        {"format=text", curl, true},
                        {"format=json", browser, false},
                        {"x=y", curl, false}};
  for (const Case& c : cases) {
    const AdminResponse response = Ask("GET", "/nodes", c.query, c.headers);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, c.is_table ? "text/plain; charset=utf-8" : "application/json");
    EXPECT_EQ(response.body, c.is_table ? NodesAsTable(SampleNodes()) : NodesAsJson(SampleNodes()));
  }
  EXPECT_EQ(Ask("GET", "/nodes", "format=xml").status, 400);
  EXPECT_EQ(Ask("GET", "/nodes", "format=text&format=json").status, 400);
  EXPECT_EQ(Ask("GET", "/nodes", "", {}, "192.0.2.1").status, 200);  // reading is free
}

TEST_F(AdminRequestTest, PostSetsTheStateOfANode) {
  for (const char* state : {"up", "drain", "down"}) {
    const AdminResponse response = Ask("POST", "/nodes/main/mail1", "state=" + std::string(state));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "main/mail1: " + std::string(state) + "\n");
  }
  EXPECT_THAT(changes_, ElementsAre("main|mail1|up", "main|mail1|drain", "main|mail1|down"));
}

TEST_F(AdminRequestTest, NamesArePercentDecodedOnce) {
  EXPECT_EQ(Ask("POST", "/nodes/ma%69n/a%2Fb%20+%2541", "state=d%6Fwn").status, 200);
  EXPECT_THAT(changes_, ElementsAre("main|a/b +%41|down"));
}

TEST_F(AdminRequestTest, AnUnknownNodeIsNotFound) {
  const AdminResponse response = Ask("POST", "/nodes/main/gone", "state=up");
  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.body, HasSubstr("no such node"));
}

TEST_F(AdminRequestTest, WhatIsNoStateIsRefused) {
  for (const char* query : {"", "state", "state=", "state=UP", "state=ejected", "state=up,down",
                            "state=up&state=down", "state=%zz", "state=up%00", "admin=up"}) {
    const AdminResponse response = Ask("POST", "/nodes/main/mail1", query);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_THAT(response.body, HasSubstr("?state=drain")) << query;
  }
  EXPECT_THAT(changes_, IsEmpty());
}

TEST_F(AdminRequestTest, WhatIsNoNodeIsRefused) {
  for (const char* path :
       {"/nodes/", "/nodes/main", "/nodes/main/", "/nodes//mail1", "/nodes/main/mail1/",
        "/nodes/main/mail1/x", "/nodes/main/%", "/nodes/%zz/mail1"}) {
    EXPECT_EQ(Ask("POST", path, "state=up").status, 400) << path;
  }
  EXPECT_THAT(changes_, IsEmpty());
}

TEST_F(AdminRequestTest, EachPathHasItsMethods) {
  for (const char* path : {"/metrics", "/livez", "/readyz", "/nodes"}) {
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get"}) {
      const AdminResponse response = Ask(method, path, "state=up");
      EXPECT_EQ(response.status, 405) << method << path;
      EXPECT_EQ(response.allow, "GET, HEAD");
    }
    EXPECT_NE(Ask("HEAD", path).status, 405);
  }
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post"}) {
    const AdminResponse response = Ask(method, "/nodes/main/mail1", "state=up");
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.allow, "POST");
  }
  EXPECT_THAT(changes_, IsEmpty());
}

TEST_F(AdminRequestTest, ChangesComeFromLoopbackOnly) {
  for (const char* peer : {"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(Drain({}, peer).status, 200) << peer;
  }
  EXPECT_EQ(changes_.size(), 4u);
  changes_.clear();
  for (const char* peer :
       {"10.0.0.1", "192.0.2.127", "128.0.0.1", "0.0.0.0", "::", "::ffff:10.0.0.1", "::127.0.0.1",
        "fe80::1", "", "localhost", "127.0.0.1x"}) {
    const AdminResponse response = Drain({}, peer);
    EXPECT_EQ(response.status, 403) << peer;
    EXPECT_THAT(response.body, HasSubstr("loopback")) << peer;
  }
  EXPECT_THAT(changes_, IsEmpty());
}

TEST_F(AdminRequestTest, ChangesDoNotComeFromBrowsersOrProxies) {
  for (const char* name : {"Origin", "oRIGIN", "Sec-Fetch-Site", "Referer", "Forwarded",
                           "X-Forwarded-For", "x-forwarded-for", "Via"}) {
    // Whatever the value is: "null" and "same-origin" come from browsers, too.
    for (const char* value : {"", "null", "same-origin", "http://127.0.0.1:9995"}) {
      const AdminResponse response = Drain({{"Host", "x"}, {name, value}});
      EXPECT_EQ(response.status, 403) << name;
      EXPECT_THAT(response.body, StartsWith("Changes are not taken from ")) << name;
    }
  }
  EXPECT_THAT(changes_, IsEmpty());
  EXPECT_EQ(Drain({{"Host", "x"}, {"User-Agent", "curl/8"}, {"X-Origin", "y"}}).status, 200);
}

class TokenTest : public AdminRequestTest {
 protected:
  TokenTest() {
    handlers_.may_read = [](std::string_view token) { return token == "reader"; };
    handlers_.may_change = [](std::string_view token) { return token == "writer"; };
  }
};

TEST_F(TokenTest, ReadingNeedsOne) {
  for (const char* path : {"/nodes", "/metrics"}) {
    for (const Headers& headers :
         {Headers{}, Headers{{"Authorization", "Bearer wrong"}},
          Headers{{"Authorization", "Bearer "}}, Headers{{"Authorization", "reader"}},
          Headers{{"Authorization", "Basic reader"}},
          Headers{{"X-Authorization", "Bearer reader"}}}) {
      const AdminResponse response = Ask("GET", path, "", headers);
      EXPECT_EQ(response.status, 401) << path;
      EXPECT_THAT(response.challenges,
                  ElementsAre("Bearer realm=\"poplar\"", "Basic realm=\"Poplar\""));
      EXPECT_THAT(response.body, HasSubstr("admin.read_token_file"));
    }
    EXPECT_EQ(Ask("GET", path, "", {{"Authorization", "Bearer reader"}}).status, 200) << path;
    EXPECT_EQ(Ask("GET", path, "", {{"authorization", "bearer writer"}}).status, 200) << path;
  }
}

// Kubernetes asks for them, and has no token.
TEST_F(TokenTest, ProbesNeedNone) {
  EXPECT_EQ(Ask("GET", "/livez").status, 200);
  EXPECT_EQ(Ask("GET", "/readyz").status, 503);
}

TEST_F(TokenTest, ChangesNeedTheOtherAndThenComeFromAnywhere) {
  EXPECT_EQ(Drain({}).status, 401);
  EXPECT_EQ(Drain({{"Authorization", "Bearer wrong"}}).status, 401);
  const AdminResponse reader = Drain({{"Authorization", "Bearer reader"}});
  EXPECT_EQ(reader.status, 403);
  EXPECT_THAT(reader.body, HasSubstr("admin.write_token_file"));
  EXPECT_THAT(changes_, IsEmpty());
  EXPECT_EQ(Drain({{"Authorization", "Bearer writer"}}, "192.0.2.1").status, 200);
  EXPECT_EQ(
      Drain({{"Authorization", "Bearer writer"}, {"Origin", "https://status.example"}}).status,
      200);
  EXPECT_EQ(changes_.size(), 2u);
}

TEST_F(TokenTest, EachWithoutTheOther) {
  handlers_.may_change = nullptr;
  EXPECT_EQ(Drain({}).status, 200);  // from loopback, as ever
  EXPECT_EQ(Drain({{"Authorization", "Bearer reader"}}, "192.0.2.1").status, 403);
  handlers_.may_change = [](std::string_view token) { return token == "writer"; };
  handlers_.may_read = nullptr;
  EXPECT_EQ(Ask("GET", "/nodes").status, 200);
  EXPECT_EQ(Drain({}).status, 401);
}

TEST_F(AdminRequestTest, WithoutHandlersThePathsAreUnknown) {
  handlers_.nodes = nullptr;
  handlers_.set_state = nullptr;
  EXPECT_EQ(Ask("GET", "/nodes").status, 404);
  EXPECT_EQ(Ask("POST", "/nodes/main/mail1", "state=up").status, 404);
  EXPECT_EQ(Ask("GET", "/livez").body, "live\n");
  EXPECT_EQ(Ask("GET", "/readyz").status, 503);
}

class MoveRequestTest : public AdminRequestTest {
 protected:
  MoveRequestTest() {
    handlers_.moves = [this] { return moves_; };
    handlers_.set_move = [this](std::string_view move, uint32_t permille) {
      changes_.push_back(std::string(move) + "|" + std::to_string(permille));
      return move == "gone" ? SetMoveResult::kUnknownMove : SetMoveResult::kOk;
    };
  }
  const std::vector<MoveView> moves_ = {{.name = "away", .from = "old", .to = "new"}};
};

TEST_F(MoveRequestTest, AreShown) {
  EXPECT_EQ(Ask("GET", "/moves").body, MovesAsJson(moves_));
  EXPECT_EQ(Ask("GET", "/moves", "format=text").body, MovesAsTable(moves_));
  EXPECT_EQ(Ask("GET", "/moves", "format=xml").status, 400);
  EXPECT_EQ(Ask("POST", "/moves").status, 405);
}

TEST_F(MoveRequestTest, TheirShareIsChanged) {
  const AdminResponse response = Ask("POST", "/moves/away", "percent=2.5");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, StartsWith("away: 2.5 percent. Change percent in the configuration"));
  EXPECT_EQ(Ask("POST", "/moves/a%20b", "percent=100").status, 200);
  EXPECT_EQ(Ask("POST", "/moves/gone", "percent=0").status, 404);
  EXPECT_THAT(changes_, ElementsAre("away|25", "a b|1000", "gone|0"));
}

TEST_F(MoveRequestTest, WhatIsntRightChangesNothing) {
  for (const char* query : {"", "percent=", "percent=101", "percent=x", "percent=1&percent=2"})
    EXPECT_EQ(Ask("POST", "/moves/away", query).status, 400) << query;
  EXPECT_EQ(Ask("POST", "/moves/", "percent=1").status, 400);
  EXPECT_EQ(Ask("GET", "/moves/away", "percent=1").status, 405);
  EXPECT_EQ(Ask("POST", "/moves/away", "percent=1", {{"Origin", "http://x"}}).status, 403);
  EXPECT_EQ(Ask("POST", "/moves/away", "percent=1", {}, "192.0.2.1").status, 403);
  EXPECT_THAT(changes_, IsEmpty());
}

TEST_F(AdminRequestTest, WithoutMovesTheirPathIsUnknown) {
  EXPECT_EQ(Ask("GET", "/moves").status, 404);
  EXPECT_EQ(Ask("POST", "/moves/away", "percent=1").status, 404);
}

}  // namespace
}  // namespace poplar::metrics
