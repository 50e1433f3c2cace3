#include "proxy/cli/sessions_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "metrics/admin_server.h"

namespace poplar::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

class SessionsCommandTest : public testing::Test {
 protected:
  std::string WriteConfig() const {
    const std::string path = testing::TempDir() + "sessions_command_test.yaml";
    std::ofstream(path)
        << "listeners: [{name: pop3s, address: \"127.0.0.1:0\"}]\n"
           "tls: {certificates: [{certificate: /no/such.pem}]}\n"
           "clusters: [{name: main, nodes: [{name: a, address: \"127.0.0.1:1\"}]}]\n"
           "admin: {address: \"127.0.0.1:"
        << port_ << "\"}\n";
    return path;
  }
  Outcome List(SessionsOptions options = {}) {
    options.config_path = WriteConfig();
    std::ostringstream out;
    std::ostringstream err;
    const int status = RunSessions(options, out, err);
    return {status, out.str(), err.str()};
  }
  Outcome Kick(const metrics::KickQuery& query) {
    std::ostringstream out;
    std::ostringstream err;
    const int status = RunKick({.config_path = WriteConfig(), .query = query}, out, err);
    return {status, out.str(), err.str()};
  }

  metrics::SessionQuery asked_;
  metrics::KickQuery kicked_;
  metrics::KickResult result_;
  std::unique_ptr<metrics::AdminServer> admin_ = *metrics::AdminServer::Start(
      {"127.0.0.1", 0},
      {.sessions =
           [this](const metrics::SessionQuery& query) -> metrics::ApiResult<metrics::SessionsView> {
         asked_ = query;
         if (query.client == "x")
           return tl::unexpected(metrics::ApiFault{400, "an IP\x1b address"});
         return metrics::SessionsView{
             .total = 3, .sessions = {{.id = "00ff", .user = "a\x1b[2J", .state = "idle"}}};
       },
       .kick = [this](const metrics::KickQuery& query) -> metrics::ApiResult<metrics::KickResult> {
         kicked_ = query;
         if (query.session == "gone") return tl::unexpected(metrics::ApiFault{404, "no such one"});
         return result_;
       }});
  uint16_t port_ = admin_->port();
};

TEST_F(SessionsCommandTest, ListsThemInATable) {
  const Outcome outcome = List({.query = {.user = "a+b", .node = "n", .limit = 1}});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(asked_.user, "a+b");
  EXPECT_EQ(asked_.node, "n");
  EXPECT_EQ(asked_.limit, 1u);
  EXPECT_THAT(outcome.out, StartsWith("SESSION "));
  EXPECT_THAT(outcome.out, HasSubstr("\n00ff "));
  EXPECT_THAT(outcome.out, HasSubstr(" a?[2J "));
  EXPECT_THAT(outcome.out, HasSubstr("\nThe oldest 1 of 3 sessions; --limit shows more.\n"));
}

TEST_F(SessionsCommandTest, OrAsJson) {
  const Outcome outcome = List({.format = SessionsFormat::kJson});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, StartsWith("{\"total\":3,\"sessions\":[{\"id\":\"00ff\","));
}

TEST_F(SessionsCommandTest, SaysWhyNot) {
  const Outcome refused = List({.query = {.client = "x"}});
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.err, "poplar: error: Poplar refuses it: an IP? address\n");
  admin_.reset();
  EXPECT_THAT(List().err, StartsWith("poplar: error: no Poplar answers at 127.0.0.1:"));
}

TEST_F(SessionsCommandTest, Kicks) {
  result_ = {.kicked = 2, .parked = 1};
  EXPECT_EQ(Kick({.user = "a b"}).out,
            "2 sessions end at the next command boundary; 1 parked connection ends\n");
  EXPECT_EQ(kicked_.user, "a b");
  EXPECT_FALSE(kicked_.now);
  result_ = {.kicked = 1};
  EXPECT_EQ(Kick({.session = "00ff", .now = true}).out, "1 session ends now\n");
  EXPECT_EQ(kicked_.session, "00ff");
  EXPECT_TRUE(kicked_.now);
  result_ = {};
  const Outcome nobody = Kick({.user = "a"});
  EXPECT_EQ(nobody.out, "0 sessions end at the next command boundary\n");
  EXPECT_EQ(nobody.status, 0);
  const Outcome gone = Kick({.session = "gone"});
  EXPECT_EQ(gone.status, 1);
  EXPECT_EQ(gone.err, "poplar: error: Poplar refuses it: no such one\n");
}

}  // namespace
}  // namespace poplar::cli
