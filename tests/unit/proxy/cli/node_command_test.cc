#include "proxy/cli/node_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "metrics/admin_server.h"

namespace poplar::cli {
namespace {

using metrics::AdminState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

// In front of clusters old (a, b) and new (a).
class NodeCommandTest : public testing::Test {
 protected:
  std::string WriteConfig() {
    const std::string path = testing::TempDir() + "node_command_test.yaml";
    std::ofstream(path) << "listeners: [{name: pop3s, address: \"127.0.0.1:0\"}]\n"
                           "tls: {certificates: [{certificate: /no/such.pem}]}\n"
                           "clusters:\n"
                           "  - {name: old, nodes: [{name: a, address: \"127.0.0.1:1\"},"
                           " {name: b, address: \"127.0.0.1:2\"}]}\n"
                           "  - {name: new, nodes: [{name: a, address: \"127.0.0.1:3\"}]}\n"
                           "admin: {"
                        << admin_more_ << "address: \"127.0.0.1:" << port_ << "\"}\n";
    return path;
  }
  Outcome Set(const std::string& node, AdminState state = AdminState::kDrain) {
    std::ostringstream out;
    std::ostringstream err;
    const int status =
        RunSetNode({.config_path = WriteConfig(), .node = node, .state = state}, out, err);
    return {status, out.str(), err.str()};
  }
  Outcome Status() {
    std::ostringstream out;
    std::ostringstream err;
    const int status = RunStatus({.config_path = WriteConfig()}, out, err);
    return {status, out.str(), err.str()};
  }
  Outcome Live() {
    std::ostringstream out;
    std::ostringstream err;
    const int status = RunLive({.config_path = WriteConfig()}, out, err);
    return {status, out.str(), err.str()};
  }

  std::string admin_more_;
  std::string token_;  // that is asked for; empty: none
  std::vector<std::string> told_;
  bool ready_ = true;
  bool live_ = true;
  std::string io_note_;
  std::vector<metrics::ClusterView> clusters_ = {
      {.name = "old", .nodes = {{.name = "a"}, {.name = "b"}}},
      {.name = "new", .nodes = {{.name = "a"}}}};
  std::unique_ptr<metrics::AdminServer> admin_ = *metrics::AdminServer::Start(
      {"127.0.0.1", 0},
      {.live = [this] { return live_; },
       .ready = [this] { return ready_; },
       .may_change = [this](std::string_view token) { return token == token_; },
       .nodes = [this] { return clusters_; },
       .set_state =
           [this](std::string_view cluster, std::string_view node, AdminState state) {
             told_.push_back(std::string(cluster) + "/" + std::string(node) + " " +
                             std::string(TextOf(state)));
             return metrics::SetStateResult::kOk;
           },
       .status = [this] { return metrics::StatusView{.io_note = io_note_}; }});
  uint16_t port_ = admin_->port();
};

TEST_F(NodeCommandTest, TellsTheRunningOne) {
  const Outcome outcome = Set("old/a");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "old/a: drain\n");
  EXPECT_EQ(Set("b", AdminState::kUp).out, "old/b: up\n");
  EXPECT_EQ(Set("new/a", AdminState::kDown).out, "new/a: down\n");
  EXPECT_THAT(told_, ElementsAre("old/a drain", "old/b up", "new/a down"));
}

TEST_F(NodeCommandTest, SaysWhatIsMeantInstead) {
  EXPECT_EQ(Set("a").err, "poplar: error: \"a\" may be any of old/a, new/a\n");
  EXPECT_EQ(Set("old/aa").err, "poplar: error: unknown node \"old/aa\"; did you mean \"old/a\"?\n");
  EXPECT_EQ(Set("something-else").err,
            "poplar: error: unknown node \"something-else\"; `poplar status` lists them all\n");
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(NodeCommandTest, ShowsTheTokenOfTheConfiguration) {
  token_ = "0123456789abcdef";
  EXPECT_THAT(Set("b").err, HasSubstr("admin.write_token_file"));
  EXPECT_EQ(Set("b").status, 1);
  const std::string file = testing::TempDir() + "node_command_test.token";
  std::ofstream(file) << token_ << "\n";
  admin_more_ = "write_token_file: " + file + ", ";
  EXPECT_EQ(Set("b").out, "old/b: drain\n");
  admin_more_ = "write_token_file: /no/such, ";
  EXPECT_THAT(Set("b").err,
              HasSubstr("admin.write_token_file: /no/such cannot be read: No such file"));
  EXPECT_THAT(told_, ElementsAre("old/b drain"));
}

TEST_F(NodeCommandTest, StatusIsGoodWhereEverybodyIsServed) {
  const Outcome outcome = Status();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("ready: new clients are served\n\nCLUSTER "));
  EXPECT_THAT(outcome.out, HasSubstr("\nold "));
}

TEST_F(NodeCommandTest, StatusIsBadWhereSomebodyIsNot) {
  clusters_[0].nodes[0].in_service = false;
  EXPECT_EQ(Status().status, 0);
  clusters_[0].nodes[1].in_service = false;
  Outcome outcome = Status();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.out, HasSubstr("\ncluster old: no node is in service\n"));
  clusters_[0].nodes[1].in_service = true;
  ready_ = false;
  outcome = Status();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.out, StartsWith("not ready: "));
}

TEST_F(NodeCommandTest, LiveLooksAtPoplarAloneAndNotAtItsNodes) {
  ready_ = false;
  for (auto& node : clusters_[0].nodes) node.in_service = false;
  EXPECT_EQ(Live().status, 0);
  EXPECT_EQ(Live().out, "alive\n");
  live_ = false;
  EXPECT_EQ(Live().status, 1);
  EXPECT_THAT(Live().out, StartsWith("not alive: "));
  admin_.reset();
  EXPECT_EQ(Live().status, 1);
  EXPECT_THAT(Live().err, StartsWith("poplar: error: no Poplar answers at 127.0.0.1:"));
}

TEST_F(NodeCommandTest, StatusSaysThatIoUringIsRefused) {
  io_note_ = "Sockets are served by epoll: \x1b[2J";
  const Outcome outcome = Status();
  EXPECT_EQ(outcome.status, 0) << "everybody is served";
  EXPECT_THAT(outcome.out, StartsWith("ready: new clients are served\n"
                                      "Sockets are served by epoll: ?[2J\n\nCLUSTER "));
}

TEST_F(NodeCommandTest, SaysThatNobodyAnswers) {
  admin_.reset();
  for (const Outcome& outcome : {Status(), Set("b")}) {
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.err, StartsWith("poplar: error: no Poplar answers at 127.0.0.1:"));
  }
}

}  // namespace
}  // namespace poplar::cli
