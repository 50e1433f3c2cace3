#include "metrics/status_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "metrics/admin_request.h"
#include "metrics/status_page_files.h"
#include "tests/unit/metrics/sample_nodes.h"

namespace poplar::metrics {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr double kNow = 1'764'400'000;

StatusPageView Sample() {
  StatusPageView view{.clusters = SampleNodes()};
  view.status.version = "1.2.3";
  view.status.started = kNow - 90'000;
  view.status.now = kNow;
  view.status.ready = true;
  view.status.sessions = 4711;
  view.status.logins = {{"ok", 10}, {"rejected", 3}, {"timeout", 0}};
  view.status.ends = {{"quit", 9}, {"client_eof", 5}};
  view.status.certificates = {
      {"/etc/poplar/mail.example/fullchain.pem", 1'764'400'000 + 86'400 * 5 + 1}};
  return view;
}

// What follows the element that has this id, up to the end of it or of what is in it.
std::string Inside(const std::string& page, const std::string& id) {
  const size_t open = page.find('>', page.find("id=\"" + id + "\""));
  if (open == page.npos) return "nothing";
  const bool is_table = page.compare(page.rfind('<', open), 6, "<tbody") == 0;
  const size_t close = page.find(is_table ? "</tbody>" : "</", open);
  return page.substr(open + 1, close - open - 1);
}

// Without what scripts fill in.
std::string WithoutTemplates(std::string page) {
  constexpr std::string_view kEnd = "</template>";
  for (size_t at = page.find("<template"); at != page.npos; at = page.find("<template"))
    page.erase(at, page.find(kEnd, at) + kEnd.size() - at);
  return page;
}

TEST(StatusPageTest, ShowsTheProcess) {
  const std::string page = StatusPage(Sample());
  EXPECT_EQ(Inside(page, "readiness"), "ready");
  EXPECT_EQ(Inside(page, "version"), "1.2.3");
  EXPECT_EQ(Inside(page, "uptime"), "1 d 1 h");
  EXPECT_EQ(Inside(page, "sessions"), "4711");
  EXPECT_THAT(page, HasSubstr("title=\"since 2025-11-28 06:06:40 UTC\""));
}

TEST(StatusPageTest, SaysThatIoUringIsRefused) {
  StatusPageView view = Sample();
  EXPECT_EQ(Inside(StatusPage(view), "io-note"), "");
  view.status.io_note = "by epoll, since <io_uring>";
  EXPECT_EQ(Inside(StatusPage(view), "io-note"), "by epoll, since &lt;io_uring&gt;");
}

TEST(StatusPageTest, SaysWhenItDoesNotTakeClients) {
  StatusPageView view = Sample();
  view.status.ready = false;
  EXPECT_EQ(Inside(StatusPage(view), "readiness"), "not ready");
  view.status.draining = true;
  EXPECT_EQ(Inside(StatusPage(view), "readiness"), "draining");
}

TEST(StatusPageTest, ShowsNodes) {
  StatusPageView view = Sample();
  NodeView node{.name = "mail9", .address = "192.0.2.9:110", .sessions = 3};
  node.slots = 20;
  node.in_use = 5;
  node.warm = 2;
  node.parked = 1;
  node.probe_seconds = 0.00123;
  node.evidence = "3 probes failed";
  view.clusters = {{.name = "main", .panic = true, .nodes = {node}}};
  const std::string page = StatusPage(view);
  EXPECT_THAT(Inside(page, "nodes"),
              AllOf(HasSubstr("mail9"), HasSubstr("main · 192.0.2.9:110"), HasSubstr(">up<"),
                    HasSubstr("3 probes failed"), HasSubstr(">1.2 ms<"),
                    HasSubstr("5 in use, 2 warm, 1 parked of 20"),
                    HasSubstr("class=\"in-use\" x=\"0\" width=\"250\""),
                    HasSubstr("class=\"parked\" x=\"350\" width=\"50\"")));
  EXPECT_THAT(Inside(page, "panics"), HasSubstr("Cluster main is in panic"));
}

TEST(StatusPageTest, SaysHowANodeIs) {
  const auto shown = [](const NodeView& node) {
    StatusPageView view = Sample();
    view.clusters = {{.name = "main", .nodes = {node}}};
    return Inside(StatusPage(view), "nodes");
  };
  EXPECT_THAT(shown({.state = NodeState::kDown}), HasSubstr("data-tone=\"bad\">down<"));
  EXPECT_THAT(shown({.state = NodeState::kEjected}), HasSubstr(">ejected<"));
  EXPECT_THAT(shown({.admin = AdminState::kDrain, .sessions = 1}),
              AllOf(HasSubstr("data-tone=\"warn\">draining<"), HasSubstr(">Undrain<")));
  EXPECT_THAT(shown({.admin = AdminState::kDrain}), HasSubstr(">drained<"));
  EXPECT_THAT(shown({.state = NodeState::kDown, .admin = AdminState::kDown}),
              HasSubstr(">taken down<"));
  EXPECT_THAT(shown({.leaving = true}), HasSubstr(">leaving<"));
  EXPECT_THAT(shown({.in_service = false}), HasSubstr(">out of service<"));
  EXPECT_THAT(shown({.ready_permille = 420}), HasSubstr(">slow start, 42 %<"));
  EXPECT_THAT(shown({}), AllOf(HasSubstr("data-tone=\"good\">up<"), HasSubstr(">Drain<")));
}

TEST(StatusPageTest, ShowsWhatWentWrongAndHidesTheRest) {
  const std::string rows = Inside(StatusPage(Sample()), "failures");
  EXPECT_THAT(rows, AllOf(HasSubstr("client_eof"), HasSubstr("rejected"), Not(HasSubstr("quit")),
                          Not(HasSubstr("ok")), Not(HasSubstr("timeout"))));
  EXPECT_LT(rows.find("client_eof"), rows.find("rejected")) << "those of most come first";
  StatusPageView view = Sample();
  view.status.logins = view.status.ends = {};
  EXPECT_THAT(StatusPage(view), HasSubstr("id=\"no-failures\" data-count=\"0\""));
}

TEST(StatusPageTest, ShowsCertificatesByTheFolderAndHowLongTheyLast) {
  EXPECT_THAT(Inside(StatusPage(Sample()), "certificates"),
              AllOf(HasSubstr(">mail.example/fullchain.pem<"), HasSubstr(">2025-12-04<"),
                    HasSubstr("data-tone=\"bad\">5<")));
}

TEST(StatusPageTest, NamesAreNoMarkup) {
  StatusPageView view = Sample();
  NodeView node{.name = "<img src=x onerror=alert(1)>", .address = "\"><script>"};
  node.evidence = "{{node_row}}</td><script>alert(2)</script>";
  view.clusters = {{.name = "</table>", .panic = true, .nodes = {node}}};
  view.status.certificates = {{"/a/<b>/c", 0}};
  const std::string page = StatusPage(view);
  for (const char* part : {"<img src=x", "<script>", "</table>\"", "<b>/c"})
    EXPECT_THAT(page, Not(HasSubstr(part)));
  EXPECT_THAT(Inside(page, "nodes"), HasSubstr("{{node_row}}&lt;/td&gt;"));
}

TEST(StatusPageTest, FillsAllPlacesOutsideOfTemplates) {
  const std::string page = WithoutTemplates(StatusPage(Sample()));
  EXPECT_THAT(page, Not(HasSubstr("{{")));
}

// As its policy demands.
TEST(StatusPageTest, HasNoScriptOrStyleOfItsOwn) {
  const std::string page = StatusPage(Sample());
  EXPECT_THAT(page, Not(ContainsRegex("<style| style=| on[a-z]+=|javascript:|<script>")));
  for (const StatusPageFile& file : StatusPageFiles()) {
    if (!file.name.ends_with(".html")) continue;
    EXPECT_EQ(file.bytes.find("//"), std::string_view::npos) << file.name << " names another place";
  }
}

TEST(StatusPageTest, SaysWhetherATokenIsTaken) {
  StatusPageView view = Sample();
  EXPECT_THAT(StatusPage(view), HasSubstr("data-takes-token=\"no\""));
  view.takes_token = true;
  EXPECT_THAT(StatusPage(view), HasSubstr("data-takes-token=\"yes\""));
}

TEST(StatusPageTest, HasTheFilesThatItNames) {
  const std::string page = StatusPage(Sample());
  constexpr std::string_view kBefore = "=\"assets/";
  int count = 0;
  for (size_t at = page.find(kBefore); at != page.npos; at = page.find(kBefore, at), ++count) {
    at += kBefore.size();
    const std::string name = page.substr(at, page.find('"', at) - at);
    EXPECT_TRUE(FindStatusPageAsset(name)) << name;
  }
  EXPECT_GE(count, 4);
}

TEST(StatusPageAssetTest, HasATypeAndAllBytes) {
  const auto charts = FindStatusPageAsset("uPlot.iife.min.js");
  ASSERT_TRUE(charts);
  EXPECT_EQ(charts->content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(charts->bytes.size(), 51'081U);
  EXPECT_EQ(FindStatusPageAsset("style.css")->content_type, "text/css; charset=utf-8");
}

TEST(StatusPageAssetTest, IsOfThePageAlone) {
  for (const char* name : {"", "page.html", "node_row.html", "../style.css", "nothing.js"})
    EXPECT_FALSE(FindStatusPageAsset(name)) << name;
}

class StatusPageRequestTest : public testing::Test {
 protected:
  StatusPageRequestTest() {
    handlers_.status = [] { return Sample().status; };
    handlers_.nodes = [] { return SampleNodes(); };
  }

  AdminResponse Ask(std::string_view method, std::string_view path) const {
    return RespondTo({.method = method, .path = path, .peer = "127.0.0.1"}, handlers_);
  }

  AdminHandlers handlers_;
};

TEST_F(StatusPageRequestTest, GetsThePageAndItsFilesWithTheirPolicy) {
  const AdminResponse page = Ask("GET", "/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(page.body,
              AllOf(HasSubstr("<!doctype html>"), HasSubstr("4711"), HasSubstr("mail1")));
  const AdminResponse file = Ask("GET", "/assets/main.js");
  EXPECT_EQ(file.status, 200);
  EXPECT_EQ(file.content_type, "text/javascript; charset=utf-8");
  for (const AdminResponse& each : {page, file})
    EXPECT_THAT(each.policy, StartsWith("default-src 'self';"));
}

TEST_F(StatusPageRequestTest, GetsNothingElse) {
  EXPECT_EQ(Ask("GET", "/assets/").status, 404);
  EXPECT_EQ(Ask("GET", "/assets/page.html").status, 404);
  EXPECT_EQ(Ask("POST", "/").status, 405);
  EXPECT_EQ(Ask("POST", "/assets/main.js").status, 405);
  handlers_.status = nullptr;
  EXPECT_EQ(Ask("GET", "/").status, 404);
}

TEST_F(StatusPageRequestTest, IsOnlyForThoseWhoMayRead) {
  handlers_.may_read = [](std::string_view) { return false; };
  for (const char* path : {"/", "/assets/main.js"}) {
    const AdminResponse response = Ask("GET", path);
    EXPECT_EQ(response.status, 401);
    EXPECT_EQ(response.body.find("mail1"), std::string::npos);
  }
}

TEST_F(StatusPageRequestTest, SaysWhetherChangesTakeAToken) {
  EXPECT_THAT(Ask("GET", "/").body, HasSubstr("data-takes-token=\"no\""));
  handlers_.may_change = [](std::string_view) { return false; };
  EXPECT_THAT(Ask("GET", "/").body, HasSubstr("data-takes-token=\"yes\""));
}

}  // namespace
}  // namespace poplar::metrics
