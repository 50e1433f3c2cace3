#include "proxy/cli/trace_command.h"

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

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

class TraceCommandTest : public testing::Test {
 protected:
  Outcome Run(TraceOptions options) {
    options.config_path = testing::TempDir() + "trace_command_test.yaml";
    std::ofstream(options.config_path)
        << "listeners: [{name: pop3s, address: \"127.0.0.1:0\"}]\n"
           "tls: {certificates: [{certificate: /no/such.pem}]}\n"
           "clusters: [{name: main, nodes: [{name: a, address: \"127.0.0.1:1\"}]}]\n"
           "admin: {address: \"127.0.0.1:"
        << admin_->port() << "\"}\n";
    std::ostringstream out;
    std::ostringstream err;
    const int status = RunTrace(options, out, err);
    return {status, out.str(), err.str()};
  }

  metrics::TraceView view_{.id = 3, .kind = "client", .of = "192.0.2.1", .file = "/t/3.log"};
  metrics::TraceQuery asked_;
  uint64_t stopped_ = 0;
  std::unique_ptr<metrics::AdminServer> admin_ = *metrics::AdminServer::Start(
      {"127.0.0.1", 0},
      {.trace = [this](const metrics::TraceQuery& query) -> metrics::ApiResult<metrics::TraceView> {
         asked_ = query;
         if (query.node == "x") return tl::unexpected(metrics::ApiFault{404, "no such node"});
         return view_;
       },
       .traces = [this] { return std::vector<metrics::TraceView>{view_}; },
       .untrace = [this](uint64_t id) -> metrics::ApiResult<metrics::TraceView> {
         stopped_ = id;
         return view_;
       }});
};

TEST_F(TraceCommandTest, PrintsThePathOfTheFile) {
  const Outcome done = Run({.query = {.user = "a+b@c", .duration = "15m"}});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.out, "/t/3.log\n");
  EXPECT_EQ(asked_.user, "a+b@c");
  EXPECT_EQ(asked_.duration, "15m");
  EXPECT_EQ(Run({.query = {.client = "192.0.2.0/24"}}).status, 0);
  EXPECT_EQ(asked_.client, "192.0.2.0/24");
}

TEST_F(TraceCommandTest, ListsAndStops) {
  const Outcome listed = Run({.list = true});
  EXPECT_EQ(listed.status, 0) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr("client 192.0.2.1"));
  EXPECT_THAT(listed.out, HasSubstr("/t/3.log"));
  EXPECT_EQ(Run({.stop = 3}).out, "/t/3.log\n");
  EXPECT_EQ(stopped_, 3u);
}

TEST_F(TraceCommandTest, SaysWhatIsWrong) {
  EXPECT_EQ(Run({}).status, 2);
  EXPECT_EQ(Run({.query = {.user = "a", .node = "b"}}).status, 2);
  EXPECT_EQ(Run({.query = {.user = "a"}, .list = true}).status, 2);
  const Outcome refused = Run({.query = {.node = "x"}});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("no such node"));
}

}  // namespace
}  // namespace poplar::cli
