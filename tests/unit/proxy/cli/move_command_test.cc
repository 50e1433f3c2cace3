#include "proxy/cli/move_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
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

class MoveCommandTest : public testing::Test {
 protected:
  using Command = int (*)(const MoveOptions&, std::ostream&, std::ostream&);

  Outcome Run(Command command, const std::string& name = "", const std::string& percent = "") {
    const std::string path = testing::TempDir() + "move_command_test.yaml";
    std::ofstream(path) << "listeners: [{name: pop3s, address: \"127.0.0.1:0\"}]\n"
                           "tls: {certificates: [{certificate: /no/such.pem}]}\n"
                           "clusters:\n"
                           "  - {name: old, nodes: [{name: a, address: \"127.0.0.1:1\"}]}\n"
                           "  - {name: new, nodes: [{name: b, address: \"127.0.0.1:2\"}]}\n"
                           "moves: [{name: away, from: old, to: new, percent: 0}]\n"
                           "admin: {address: \"0.0.0.0:"
                        << admin_->port() << "\"}\n"
                        << more_;
    std::ostringstream out;
    std::ostringstream err;
    const int status = command({.config_path = path, .name = name, .percent = percent}, out, err);
    return {status, out.str(), err.str()};
  }

  std::string told_;
  std::string more_;
  metrics::SetMoveResult result_ = metrics::SetMoveResult::kOk;
  std::unique_ptr<metrics::AdminServer> admin_ = *metrics::AdminServer::Start(
      {"127.0.0.1", 0}, {.moves = [] { return std::vector<metrics::MoveView>{{.name = "away"}}; },
                         .set_move =
                             [this](std::string_view move, uint32_t permille) {
                               told_ = std::string(move) + " " + std::to_string(permille);
                               return result_;
                             }});
};

TEST_F(MoveCommandTest, TellsTheRunningOne) {
  const Outcome outcome = Run(&RunMove, "away", "2.5");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("away: 2.5 percent. "));
  EXPECT_EQ(told_, "away 25");
}

TEST_F(MoveCommandTest, ShowsTheTable) {
  const Outcome outcome = Run(&RunMoves);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("MOVE "));
  EXPECT_THAT(outcome.out, HasSubstr("\naway "));
}

TEST_F(MoveCommandTest, RefusesWhatMakesNoSense) {
  EXPECT_EQ(Run(&RunMove, "awya", "3").err,
            "poplar: error: unknown move \"awya\"; did you mean \"away\"?\n");
  EXPECT_EQ(Run(&RunMove, "away", "101").err,
            "poplar: error: \"101\" is out of bounds; a percentage from 0 to 100, such as 30 or "
            "2.5, with one digit behind the point at most is expected\n");
  more_ = "limts: {}\n";
  EXPECT_THAT(Run(&RunMove, "away", "3").err, HasSubstr("did you mean \"limits\"?"));
  EXPECT_EQ(Run(&RunMoves).status, 1);
  EXPECT_EQ(told_, "");
}

TEST_F(MoveCommandTest, PassesOnWhatTheRunningOneRefuses) {
  result_ = metrics::SetMoveResult::kUnknownMove;
  const Outcome outcome = Run(&RunMove, "away", "3");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.err,
            "poplar: error: Poplar refuses it: no such move; GET /moves lists them all\n");
}

}  // namespace
}  // namespace poplar::cli
