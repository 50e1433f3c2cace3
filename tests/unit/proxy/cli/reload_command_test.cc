#include "proxy/cli/reload_command.h"

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

class ReloadCommandTest : public testing::Test {
 protected:
  Outcome Run(const std::string& more = "") {
    const std::string path = testing::TempDir() + "reload_command_test.yaml";
    std::ofstream(path)
        << "listeners: [{name: pop3s, address: \"127.0.0.1:0\"}]\n"
           "tls: {certificates: [{certificate: /no/such.pem}]}\n"
           "clusters: [{name: main, nodes: [{name: a, address: \"127.0.0.1:1\"}]}]\n"
           "admin: {address: \"127.0.0.1:"
        << admin_->port() << "\"}\n"
        << more;
    std::ostringstream out;
    std::ostringstream err;
    const int status = RunReload({.config_path = path}, out, err);
    return {status, out.str(), err.str()};
  }

  int asked_ = 0;
  metrics::ReloadView view_{
      .applied = true, .changes = {}, .report = "Changed:\n  pool.size: 1 -> 2\n"};
  std::unique_ptr<metrics::AdminServer> admin_ =
      *metrics::AdminServer::Start({"127.0.0.1", 0}, {.reload = [this] {
                                     ++asked_;
                                     return view_;
                                   }});
};

TEST_F(ReloadCommandTest, PrintsWhatHasChanged) {
  const Outcome outcome = Run();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "Changed:\n  pool.size: 1 -> 2\n");
}

TEST_F(ReloadCommandTest, PrintsWhyNothingHas) {
  view_ = {
      .applied = false, .changes = {}, .report = "poplar.yaml:1:2: error: x\x1b[31m\n1 error\n"};
  const Outcome outcome = Run();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err,
            "poplar.yaml:1:2: error: x?[31m\n1 error\npoplar: error: the configuration has errors; "
            "the one before stays in force\n");
}

TEST_F(ReloadCommandTest, DoesNotAskWithErrorsInTheFile) {
  const Outcome outcome = Run("workers: x\n");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("workers: \"x\" is not a whole number"));
  EXPECT_THAT(outcome.err, HasSubstr("the running Poplar was not asked"));
  EXPECT_EQ(asked_, 0);
}

// The running one has its own environment, and credentials that nobody else can read.
TEST_F(ReloadCommandTest, AsksWhateverIsOutOfReachHere) {
  EXPECT_EQ(Run("workers: \"${env:POPLAR_NO_SUCH_VARIABLE}\"\n").status, 0);
  EXPECT_EQ(asked_, 1);
}

TEST_F(ReloadCommandTest, SaysWhereNobodyAnswers) {
  admin_.reset();
  admin_ = *metrics::AdminServer::Start({"127.0.0.1", 0}, {});
  const Outcome unknown = Run();
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.err, StartsWith("poplar: error: Poplar refuses it: no such thing"));
}

}  // namespace
}  // namespace poplar::cli
