// The binary as its users meet it: exit statuses, and one clear line where it cannot start.

#include "tests/unit/proxy/cli/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/unit/proxy/io/forbidden_syscalls.h"

#if !defined(__has_feature)
#define __has_feature(feature) 0
#endif

namespace poplar::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string WriteConfig(const std::string& more = "") {
  std::string path = testing::TempDir() + "program_test.yaml";
  std::ofstream(path) << "listeners: [{name: plain, address: \"127.0.0.1:0\", tls: none, "
                         "require_tls: no}]\n"
                         "clusters: [{name: m, nodes: [{name: n, address: \"127.0.0.1:1110\"}]}]\n"
                         "admin: {address: \"127.0.0.1:0\"}\n"
                      << more;
  return path;
}

void ExpectOneClearLine(const ProgramEnd& end, const std::string& part) {
  EXPECT_EQ(end.status, 1);
  EXPECT_THAT(end.err, StartsWith("poplar: error: "));
  EXPECT_THAT(end.err, HasSubstr(part));
  EXPECT_EQ(std::count(end.err.begin(), end.err.end(), '\n'), 1) << end.err;
  EXPECT_TRUE(end.err.ends_with("\n"));
  EXPECT_EQ(end.out, "");
}

TEST(Program, EndsWithTwoOnAWrongCommandLine) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"nonsense"},
                                                    {"--nonsense"},
                                                    {"serve", "--config"},
                                                    {"serve", "extra"},
                                                    {"check", "--bad"},
                                                    {"route"},
                                                    {"route", "--cluster", "m"},
                                                    {"route", "anna", "--format", "xml"},
                                                    {"demo", "--port", "70000"},
                                                    {"demo", "--port", "-1"},
                                                    {"demo", "--port", "x"},
                                                    {"demo", "--node", "[::1]:0", "--port", "1"},
                                                    {"serve", "check"}}) {
    const ProgramEnd end = RunProgram(arguments);
    EXPECT_EQ(end.status, 2) << testing::PrintToString(arguments);
    EXPECT_NE(end.err, "") << testing::PrintToString(arguments);
    EXPECT_EQ(end.out, "");
  }
}

TEST(Program, HelpsWhoeverAsksAndWhoeverSaysNothing) {
  const ProgramEnd asked = RunProgram({"--help"});
  EXPECT_EQ(asked.status, 0);
  const ProgramEnd silent = RunProgram({});
  EXPECT_EQ(silent.status, 2);
  for (const std::string& help : {asked.out, silent.out}) {
    for (const char* word : {"serve", "check", "config", "route", "probe", "demo", "--version"}) {
      EXPECT_THAT(help, HasSubstr(word));
    }
  }
}

TEST(Program, TellsItsVersion) {
  const ProgramEnd end = RunProgram({"--version"});
  EXPECT_EQ(end.status, 0);
  EXPECT_THAT(end.out, StartsWith("poplar "));
  EXPECT_EQ(end.err, "");
}

TEST(Program, PrintsAConfigurationThatFailsOnAFullDisk) {
  const ProgramEnd end = RunProgram({"config"});
  EXPECT_EQ(end.status, 0);
  EXPECT_THAT(end.out, HasSubstr("listeners:"));
  const ProgramEnd full = RunProgram({"config"}, [] {
    if (freopen("/dev/full", "w", stdout) == nullptr) std::abort();
  });
  EXPECT_EQ(full.status, 1);
}

TEST(Program, ChecksAConfiguration) {
  const std::string path = WriteConfig();
  const ProgramEnd good = RunProgram({"check", "-c", path});
  EXPECT_EQ(good.status, 0) << good.err;
  EXPECT_EQ(good.out, path + ": OK\n");
  for (const char* command : {"check", "serve"}) {
    const ProgramEnd bad = RunProgram({command, "-c", WriteConfig("limts: {}\n")});
    EXPECT_EQ(bad.status, 1);
    EXPECT_THAT(bad.err, HasSubstr("limits"));
    const ProgramEnd none = RunProgram({command, "-c", "/nowhere/poplar.yaml"});
    EXPECT_EQ(none.status, 1);
    EXPECT_THAT(none.err, HasSubstr("/nowhere/poplar.yaml"));
  }
}

TEST(Program, ShowsAUsersRoute) {
  const std::string path = WriteConfig();
  const ProgramEnd text = RunProgram({"route", "Anna", "bob", "-c", path});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, StartsWith("Anna (anna), cluster m:\n  1. n  weight  100"));
  EXPECT_THAT(text.out, HasSubstr("\n\nbob, cluster m:\n"));
  const ProgramEnd json =
      RunProgram({"route", "anna", "--config", path, "--cluster", "m", "--format", "json"});
  EXPECT_EQ(json.status, 0) << json.err;
  EXPECT_THAT(json.out, StartsWith("[{\"user\":\"anna\","));
  ExpectOneClearLine(RunProgram({"route", "anna", "-c", path, "--cluster", "x"}),
                     "unknown cluster");
  EXPECT_THAT(RunProgram({"route", "--help"}).out, HasSubstr("score"));
}

// 3 is monitoring's UNKNOWN, where 2 would be CRITICAL.
TEST(Program, ProbesEndWithThreeWhereNothingCouldBeTried) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"probe"},
        {"probe", "mail.example"},
        {"probe", "mail.example", "--bad"},
        {"probe", "-u", "anna"},
        {"probe", "mail.example", "-u", "anna", "--password-file", "/nowhere/password"}}) {
    const ProgramEnd end = RunProgram(arguments);
    EXPECT_EQ(end.status, 3) << testing::PrintToString(arguments);
    EXPECT_NE(end.err, "");
    EXPECT_EQ(end.out, "");
  }
  EXPECT_EQ(RunProgram({"probe", "--help"}).status, 0);
}

TEST(Program, StopsOnSigterm) {
  const ProgramEnd demo = RunProgram({"demo"}, LeaveSigtermPending);
  EXPECT_EQ(demo.status, 0) << demo.err;
  EXPECT_THAT(demo.out, HasSubstr("curl -k --user "));
  EXPECT_THAT(demo.out, HasSubstr("openssl s_client "));
  EXPECT_THAT(demo.err, HasSubstr("\"message\":\"stopped\""));
  const ProgramEnd serve = RunProgram({"serve", "-c", WriteConfig()}, LeaveSigtermPending);
  EXPECT_EQ(serve.status, 0) << serve.err;
  EXPECT_THAT(serve.err, HasSubstr("\"message\":\"stopped\""));
}

TEST(Program, SaysWhyThereIsNoIoUring) {
  const std::pair<int, const char*> refusals[] = {
      {EPERM, "io_uring_setup"}, {ENOSYS, "Linux 5.19 or newer"}, {ENOMEM, "LimitMEMLOCK"}};
  const std::string path = WriteConfig("io: io_uring\n");
  for (const auto& [refusal, remedy] : refusals) {
    const auto refuse = [code = refusal] { io::ForbidSyscalls({__NR_io_uring_setup}, code); };
    ExpectOneClearLine(RunProgram({"serve", "-c", path}, refuse), remedy);
    ExpectOneClearLine(RunProgram({"demo", "--io", "io_uring"}, refuse), remedy);
  }
}

TEST(Program, TakesEpollWhereIoUringIsRefusedAndSaysSo) {
  for (const int refusal : {EPERM, ENOSYS}) {
    const auto refuse = [refusal] {
      LeaveSigtermPending();
      io::ForbidSyscalls({__NR_io_uring_setup}, refusal);
    };
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"serve", "-c", WriteConfig()}, {"demo"}}) {
      const ProgramEnd end = RunProgram(command, refuse);
      EXPECT_EQ(end.status, 0) << end.err;
      EXPECT_THAT(end.err, HasSubstr("\"level\":\"warning\""));
      EXPECT_THAT(end.err, HasSubstr("served by epoll, which takes more CPU: io_uring is not"));
      EXPECT_THAT(end.err, HasSubstr("\"message\":\"stopped\""));
    }
  }
}

TEST(Program, SaysThatItMayStartNoThread) {
  const auto refuse = [] {
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // the leak detector starts a thread itself
    io::ForbidSyscalls({__NR_clone, __NR_clone3}, EAGAIN);
  };
  ExpectOneClearLine(RunProgram({"serve", "-c", WriteConfig()}, refuse), "thread");
  ExpectOneClearLine(RunProgram({"demo"}, refuse), "thread");
}

TEST(Program, SaysThatItCannotLog) {
  ExpectOneClearLine(RunProgram({"serve", "-c", WriteConfig("log: {output: /dev}\n")}),
                     "log.output: cannot write to /dev");
}

// Whatever it is that there is no descriptor for: one line and 1, never a signal, never a hang.
TEST(Program, SurvivesEveryLackOfDescriptors) {
#if __has_feature(address_sanitizer)
  GTEST_SKIP()
      << "the sanitizer's own check of vtables opens a pipe, and takes a failure for a bug";
#endif
  const std::vector<std::vector<std::string>> commands = {{"demo"}, {"serve", "-c", WriteConfig()}};
  for (const std::vector<std::string>& command : commands) {
    bool started = false;
    // Four at least: the dynamic loader needs one.
    for (rlim_t descriptors = 4; !started && descriptors < 100; ++descriptors) {
      const ProgramEnd end = RunProgram(command, [descriptors] {
        LeaveSigtermPending();
        const rlimit limit{descriptors, descriptors};
        setrlimit(RLIMIT_NOFILE, &limit);
      });
      started = end.status == 0;
      if (started) break;
      SCOPED_TRACE(command[0] + " with " + std::to_string(descriptors) + " descriptors");
      ExpectOneClearLine(end, "");
    }
    EXPECT_TRUE(started) << command[0];
  }
}

}  // namespace
}  // namespace poplar::cli
