#include "proxy/cli/demo_nodes.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <set>
#include <string>
#include <vector>

#include "tests/unit/proxy/io/engine_of_tests.h"
#include "tests/unit/proxy/server/blocking_client.h"

namespace poplar::cli {
namespace {

TEST(DemoNodes, ServeEachOnItsOwnPort) {
  const auto nodes = DemoNodes::Start(3, io::WishOfTests());
  if (!nodes) GTEST_SKIP() << nodes.error();
  std::set<uint16_t> ports;
  for (const io::Address& address : (*nodes)->addresses()) {
    EXPECT_TRUE(ports.insert(address.port()).second);
    server::BlockingClient client(address.port());
    EXPECT_TRUE(client.ReadLine().starts_with("+OK"));
    EXPECT_TRUE(client.Ask("USER alice@example.com").starts_with("+OK"));
    EXPECT_TRUE(client.Ask("PASS alder").starts_with("+OK"));
    EXPECT_TRUE(client.Ask("QUIT").starts_with("+OK"));
  }
  EXPECT_EQ(ports.size(), 3u);
}

TEST(DemoNodes, ServeWhereTheyAreTold) {
  const std::vector<io::Address> wanted = {*io::Address::ParseWithPort("127.0.0.2:0")};
  const auto nodes = DemoNodes::StartAt(wanted, io::WishOfTests());
  if (!nodes) GTEST_SKIP() << nodes.error();
  const io::Address got = (*nodes)->addresses().front();
  EXPECT_TRUE(got.Text().starts_with("127.0.0.2:")) << got.Text();
  EXPECT_NE(got.port(), 0);
  const auto again = DemoNodes::StartAt({&got, 1}, io::WishOfTests());
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().find("cannot listen on " + got.Text()), std::string::npos)
      << again.error();
}

TEST(DemoNodes, EndWithSessionsOpen) {
  auto nodes = DemoNodes::Start(1, io::WishOfTests());
  if (!nodes) GTEST_SKIP() << nodes.error();
  server::BlockingClient client((*nodes)->addresses()[0].port());
  EXPECT_TRUE(client.ReadLine().starts_with("+OK"));
  nodes->reset();
  EXPECT_EQ(client.ReadToEnd(), "");
}

TEST(DemoNodes, FailInOneLineWhereverDescriptorsRunOut) {
  if (const auto nodes = DemoNodes::Start(1, io::WishOfTests()); !nodes)
    GTEST_SKIP() << nodes.error();
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const int first_free = dup(STDERR_FILENO);
  close(first_free);
  bool started = false;
  int failures = 0;
  for (int left = 0; !started && left < 50; ++left) {
    const rlimit few{static_cast<rlim_t>(first_free + left), before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    const auto nodes = DemoNodes::Start(3, io::WishOfTests());
    started = nodes.has_value();
    setrlimit(RLIMIT_NOFILE, &before);
    if (started) break;
    ++failures;
    EXPECT_NE(nodes.error().find("EMFILE"), std::string::npos) << nodes.error();
  }
  EXPECT_TRUE(started);
  EXPECT_GE(failures, 5);  // the engine, its wake-up, three listeners
}

}  // namespace
}  // namespace poplar::cli
