#include "metrics/admin_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "metrics/node_page.h"
#include "metrics/route_page.h"
#include "metrics/session_page.h"
#include "metrics/status_json.h"
#include "metrics/trace_page.h"
#include "tests/unit/metrics/sample_nodes.h"

namespace poplar::metrics {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class AdminApiTest : public testing::Test {
 protected:
  AdminResponse Ask(std::string_view method, std::string_view path, std::string_view query = "",
                    std::string_view peer = "127.0.0.1") const {
    return RespondTo({.method = method, .path = path, .query = query, .peer = peer, .headers = {}},
                     handlers_);
  }
  AdminResponse Get(std::string_view name, std::string_view query = "") const {
    return Ask("GET", "/api/v1/" + std::string(name), query);
  }
  AdminResponse Post(std::string_view name, std::string_view query = "") const {
    return Ask("POST", "/api/v1/" + std::string(name), query);
  }

  static TraceView SampleTrace() {
    return {.id = 3, .kind = "user", .of = "anna", .file = "/t/3.log", .began = 1, .until = 601};
  }

  std::vector<std::string> changes_;
  SessionQuery asked_;
  KickQuery kicked_;
  RouteQuery routed_;
  TraceQuery traced_;
  AdminHandlers handlers_{
      .nodes = [] { return SampleNodes(); },
      .set_state =
          [this](std::string_view cluster, std::string_view node, AdminState state) {
            changes_.push_back(std::string(cluster) + "/" + std::string(node) + " " +
                               std::string(TextOf(state)));
            return SetStateResult::kOk;
          },
      .status = [] { return StatusView{.version = "1", .sessions = 7}; },
      .sessions = [this](const SessionQuery& query) -> ApiResult<SessionsView> {
        asked_ = query;
        if (query.user == "bad") return tl::unexpected(ApiFault{400, "no user"});
        return SessionsView{.total = 3, .sessions = {{.id = "ab", .state = "idle"}}};
      },
      .kick = [this](const KickQuery& query) -> ApiResult<KickResult> {
        kicked_ = query;
        if (query.session == "gone") return tl::unexpected(ApiFault{404, "no such session"});
        return KickResult{.kicked = 2, .parked = 1};
      },
      .route = [this](const RouteQuery& query) -> ApiResult<RouteView> {
        routed_ = query;
        return RouteView{.login = query.user, .cluster = "main"};
      },
      .trace = [this](const TraceQuery& query) -> ApiResult<TraceView> {
        traced_ = query;
        if (query.node == "n9") return tl::unexpected(ApiFault{404, "no such node"});
        return SampleTrace();
      },
      .traces = [] { return std::vector<TraceView>{SampleTrace()}; },
      .untrace = [](uint64_t id) -> ApiResult<TraceView> {
        if (id != 3) return tl::unexpected(ApiFault{404, "no such trace"});
        return SampleTrace();
      },
      .upgrade = [this] { return upgraded_; }};
  ApiResult<UpgradeResult> upgraded_ = UpgradeResult{.pid = 12, .previous = 7};
};

TEST_F(AdminApiTest, IsJsonWhateverTheOutcome) {
  struct Case {
    std::string_view method, path, query;
    int status;
  };
  for (const Case& c :
       {Case{"GET", "/api/v1/status", "", 200}, Case{"GET", "/api/v1/", "", 404},
        Case{"GET", "/api/v1/nothing", "", 404}, Case{"GET", "/api/v1/nodes/", "", 404},
        Case{"POST", "/api/v1/status", "", 405}, Case{"GET", "/api/v1/status", "x=1", 400}}) {
    const AdminResponse response = Ask(c.method, c.path, c.query);
    EXPECT_EQ(response.status, c.status) << c.path;
    EXPECT_EQ(response.content_type, "application/json");
    EXPECT_THAT(response.body, StartsWith(c.status == 200 ? "{\"version\"" : "{\"error\":\""));
  }
}

TEST_F(AdminApiTest, EachHasItsMethods) {
  for (const char* name : {"status", "nodes", "pools", "sessions", "route"}) {
    EXPECT_EQ(Post(name).status, 405) << name;
    EXPECT_EQ(Post(name).allow, "GET, HEAD");
    EXPECT_NE(Ask("HEAD", "/api/v1/" + std::string(name)).status, 405);
  }
  for (const char* name : {"drain", "undrain", "down", "kick"}) {
    EXPECT_EQ(Get(name, "node=mail2").status, 405) << name;
    EXPECT_EQ(Get(name).allow, "POST");
  }
  EXPECT_THAT(changes_, IsEmpty());
}

TEST_F(AdminApiTest, ShowsWhatThereIs) {
  EXPECT_EQ(Get("status").body, StatusAsJson({.version = "1", .sessions = 7}));
  EXPECT_EQ(Get("nodes").body, NodesAsJson(SampleNodes()));
  EXPECT_EQ(Get("pools").body, PoolsAsJson(SampleNodes()));
  EXPECT_EQ(Get("sessions").body,
            SessionsAsJson({.total = 3, .sessions = {{.id = "ab", .state = "idle"}}}));
  EXPECT_EQ(Get("route", "user=anna").body,
            RouteAsJson({.login = "anna", .cluster = "main"}, Unknown::kLeftOut) + "\n");
}

TEST_F(AdminApiTest, SessionsAreAskedForByWhatIsSaid) {
  EXPECT_EQ(Get("sessions").status, 200);
  EXPECT_EQ(asked_.limit, kSessionsShown);
  EXPECT_EQ(Get("sessions", "user=a%2Bb+c&node=main/mail1&client=::1&limit=1000").status, 200);
  EXPECT_EQ(asked_.user, "a+b c");
  EXPECT_EQ(asked_.node, "main/mail1");
  EXPECT_EQ(asked_.client, "::1");
  EXPECT_EQ(asked_.limit, 1000u);
  const AdminResponse bad = Get("sessions", "user=bad");
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(bad.body, "{\"error\":\"no user\"}\n");
}

TEST_F(AdminApiTest, WhatCannotBeMeantIsRefused) {
  for (const char* query : {"limit=0", "limit=1001", "limit=x", "limit=1x", "limit=-1",
                            "limit=1&limit=2", "usr=anna", "user=%zz"}) {
    const AdminResponse response = Get("sessions", query);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_THAT(response.body, StartsWith("{\"error\":\"")) << query;
  }
  EXPECT_EQ(Get("route").status, 400);
  EXPECT_EQ(Get("route", "user=").status, 400);
}

TEST_F(AdminApiTest, RouteIsToldHowTheyCome) {
  EXPECT_EQ(Get("route", "user=anna&listener=pop3&server_name=mail.example").status, 200);
  EXPECT_EQ(routed_.listener, "pop3");
  EXPECT_EQ(routed_.server_name, "mail.example");
}

TEST_F(AdminApiTest, NodesGetAnotherState) {
  const AdminResponse drained = Post("drain", "cluster=main&node=mail1");
  EXPECT_EQ(drained.status, 200);
  EXPECT_EQ(drained.body, R"({"cluster":"main","node":"mail1","admin_state":"drain"})"
                          "\n");
  EXPECT_EQ(Post("undrain", "cluster=other&node=mail1").status, 200);
  EXPECT_EQ(Post("down", "node=mail2").status, 200);  // the only one of that name
  EXPECT_THAT(changes_, ElementsAre("main/mail1 drain", "other/mail1 up", "main/mail2 down"));
}

TEST_F(AdminApiTest, SaysWhichNodeCannotBeMeant) {
  const AdminResponse several = Post("drain", "node=mail1");
  EXPECT_EQ(several.status, 400);
  EXPECT_THAT(several.body, HasSubstr("say cluster=, one of main, other"));
  EXPECT_EQ(Post("drain", "node=mail3").status, 404);
  EXPECT_EQ(Post("drain", "cluster=none&node=mail1").status, 404);
  EXPECT_EQ(Post("drain", "cluster=main").status, 400);
  EXPECT_EQ(Post("drain", "node=mail2&state=up").status, 400);
  EXPECT_THAT(changes_, IsEmpty());
  handlers_.set_state = [](auto, auto, auto) { return SetStateResult::kUnknownNode; };
  EXPECT_EQ(Post("drain", "node=mail2").status, 404);  // it has just gone
}

TEST_F(AdminApiTest, KicksTheOneThatIsMeant) {
  EXPECT_EQ(Post("kick", "user=anna").body, "{\"kicked\":2,\"parked\":1}\n");
  EXPECT_EQ(kicked_.user, "anna");
  EXPECT_FALSE(kicked_.now);
  EXPECT_EQ(Post("kick", "session=0123&now=yes").status, 200);
  EXPECT_EQ(kicked_.session, "0123");
  EXPECT_TRUE(kicked_.now);
  EXPECT_EQ(Post("kick", "session=gone").status, 404);
  for (const char* query :
       {"", "user=", "user=a&session=b", "user=a&now=1", "node=mail1", "user=a&nwo=yes"}) {
    EXPECT_EQ(Post("kick", query).status, 400) << query;
  }
}

TEST_F(AdminApiTest, TakesChangesFromThoseWhoMayMakeThem) {
  const AdminResponse response = Ask("POST", "/api/v1/kick", "user=anna", /*peer=*/"192.0.2.1");
  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(response.body, StartsWith("{\"error\":\"Without admin.write_token_file"));
  EXPECT_EQ(kicked_.user, "");
  handlers_.may_read = [](std::string_view token) { return token == "reader"; };
  for (const char* name : {"status", "nodes", "pools", "sessions", "route"}) {
    EXPECT_EQ(Get(name, "").status, 401) << name;
    EXPECT_EQ(Get(name, "").challenges[1], "Basic realm=\"Poplar\"");
  }
}

TEST_F(AdminApiTest, WhatNobodyServesIsUnknown) {
  handlers_ = {};
  for (const char* name : {"status", "nodes", "pools", "sessions", "route"})
    EXPECT_EQ(Get(name).status, 404) << name;
  for (const char* name : {"drain", "undrain", "down", "kick"})
    EXPECT_EQ(Post(name).status, 404) << name;
}

TEST_F(AdminApiTest, TracesOneOfAUserAClientAndANode) {
  const std::string json = TraceAsJson(SampleTrace());
  EXPECT_EQ(
      json,
      "{\"id\":3,\"user\":\"anna\",\"file\":\"/t/3.log\",\"began\":1,\"until\":601,\"lines\":0,"
      "\"bytes\":0,\"dropped\":0}\n");
  EXPECT_EQ(Post("trace", "user=a%40b&for=10m").body, json);
  EXPECT_EQ(traced_.user, "a@b");
  EXPECT_EQ(traced_.duration, "10m");
  EXPECT_EQ(Post("trace", "client=192.0.2.0%2F24").status, 200);
  EXPECT_EQ(traced_.client, "192.0.2.0/24");
  EXPECT_EQ(Post("trace", "node=n9").status, 404);
  for (const char* wrong : {"", "for=10m", "user=a&node=b", "user=a&client=b", "user=a&x=1"})
    EXPECT_EQ(Post("trace", wrong).status, 400) << wrong;
  EXPECT_EQ(Get("trace", "user=a").status, 405);
}

TEST_F(AdminApiTest, ReloadsAndSaysWhatCameOfIt) {
  ReloadView view{.applied = true,
                  .changes = {{"pool.size", "1", "2", true}, {"workers", "0", "4", false}},
                  .report = "Changed:\n"};
  EXPECT_EQ(Post("reload").status, 404);
  handlers_.reload = [&view] { return view; };
  EXPECT_EQ(Get("reload").status, 405);
  EXPECT_EQ(Post("reload", "x=1").status, 400);
  const AdminResponse good = Post("reload");
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.body, R"({"applied":true,"changes":[{"setting":"pool.size","from":"1","to":"2",)"
                       R"("takes_effect":"now"},{"setting":"workers","from":"0","to":"4",)"
                       R"("takes_effect":"restart"}],"report":"Changed:\u000a"})"
                       "\n");
  view = {.applied = false, .changes = {}, .report = "poplar.yaml:1:1: error\n"};
  const AdminResponse bad = Post("reload");
  EXPECT_EQ(bad.status, 422);
  EXPECT_EQ(bad.body,
            R"({"applied":false,"error":"the configuration has errors; the one before stays in )"
            R"(force","changes":[],"report":"poplar.yaml:1:1: error\u000a"})"
            "\n");
  EXPECT_EQ(Ask("POST", "/api/v1/reload", "", /*peer=*/"192.0.2.1").status, 403);
}

TEST_F(AdminApiTest, ListsAndEndsTraces) {
  EXPECT_THAT(Get("traces").body, StartsWith("{\"traces\":[{\"id\":3,\"user\":\"anna\""));
  EXPECT_EQ(TracesAsJson({}), "{\"traces\":[]}\n");
  EXPECT_EQ(Post("untrace", "id=3").status, 200);
  EXPECT_EQ(Post("untrace", "id=4").status, 404);
  for (const char* wrong : {"", "id=", "id=x", "id=3x", "id=-3"})
    EXPECT_EQ(Post("untrace", wrong).status, 400) << wrong;
  EXPECT_EQ(Get("untrace", "id=3").status, 405);
}

TEST_F(AdminApiTest, SaysWhichProcessTakesOver) {
  EXPECT_EQ(Post("upgrade").body, "{\"pid\":12,\"previous\":7}\n");
  upgraded_ = tl::unexpected(ApiFault{502, "it is broken"});
  EXPECT_EQ(Post("upgrade").status, 502);
  EXPECT_EQ(Post("upgrade").body, "{\"error\":\"it is broken\"}\n");
  EXPECT_EQ(Post("upgrade", "now=yes").status, 400);
  EXPECT_EQ(Get("upgrade").status, 405);
}

}  // namespace
}  // namespace poplar::metrics
