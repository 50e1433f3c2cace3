#include "proxy/demo/mail_node.h"

#include <gtest/gtest.h>

#include "proxy/demo/demo_mail.h"
#include "proxy/io/deadline.h"
#include "proxy/io/socket_stream.h"
#include "proxy/io/system_clock.h"
#include "tests/unit/proxy/io/engine_of_tests.h"

namespace poplar::demo {
namespace {

// The node on a loopback socket: accepting, many sessions, Stop.
class MailNodeTest : public testing::Test {
 protected:
  void SetUp() override {
    auto created = io::OpenProactor(io::EngineOfTests(), clock_, random_, {});
    if (!created) GTEST_SKIP() << created.error().text;
    proactor_ = std::move(*created);
    AddDemoMail(store_);
  }

  // Sends all at once, says it is done, and reads until the node closes.
  io::Task<void> Converse(io::Address to, std::string_view commands, std::string* replies) {
    io::Result<std::unique_ptr<io::SocketStream>> opened = io::OpenStream(*proactor_, to.family());
    io::SocketStream& stream = **opened;
    io::Deadline deadline(*proactor_, std::chrono::seconds(30), stream);
    const io::Result<> connected = co_await stream.Connect(to);
    if (!connected) co_return;
    const io::Result<> written = co_await stream.Write(commands);
    while (written) {
      const io::Result<io::Buffer> read = co_await stream.Read();
      if (!read || read->empty()) break;
      replies->append(read->bytes());
    }
  }

  io::SystemClock clock_;
  io::SystemRandom random_;
  std::unique_ptr<io::Proactor> proactor_;
  MailStore store_;
};

TEST_F(MailNodeTest, ServesManyClientsAndStops) {
  constexpr int kClients = 50;
  MailNodeOptions options;
  options.name = "node-1";
  MailNode node(*proactor_, store_, options);
  std::vector<std::string> replies(kClients);
  std::string held;
  io::TaskScope clients(proactor_->ready());
  const auto main = [&]() -> io::Task<void> {
    const io::Result<io::Address> address = node.Listen(io::Address::Loopback(0));
    if (!address) co_return;
    for (std::string& reply : replies) {
      clients.Spawn(Converse(*address,
                             "USER alice@example.com\r\nPASS alder\r\nRETR 3\r\nRETR 6\r\nQUIT\r\n",
                             &reply));
    }
    co_await clients.Empty();
    // One that would stay: Stop ends it.
    clients.Spawn(Converse(*address, "USER bob@example.com\r\nPASS birch\r\n", &held));
    while (node.counters().logins <= kClients)
      co_await proactor_->Sleep(std::chrono::milliseconds(16));
    node.Stop();
    co_await node.Stopped();
    co_await clients.Empty();
    proactor_->Stop();
  };
  io::TaskScope scope(proactor_->ready());
  scope.Spawn(main());
  proactor_->Run();
  for (const std::string& reply : replies) {
    EXPECT_EQ(reply, replies.front());
    EXPECT_GT(reply.size(), 200'000u);
    EXPECT_TRUE(reply.starts_with("+OK node-1 ready\r\n"));
    EXPECT_TRUE(reply.ends_with("\r\n.\r\n+OK Bye\r\n"));
  }
  EXPECT_TRUE(held.starts_with("+OK node-1 ready\r\n+OK\r\n+OK Logged in"));
  EXPECT_EQ(node.counters().connections, kClients + 1u);
  EXPECT_EQ(node.counters().quits, static_cast<uint64_t>(kClients));
  EXPECT_EQ(node.counters().retrieved, 2u * kClients);
  EXPECT_EQ(node.open_sessions(), 0u);
}

// The client takes nothing, so that the node's write is stuck half done when Stop comes.
TEST_F(MailNodeTest, StopsInTheMiddleOfADownload) {
  MailNode node(*proactor_, store_, {});
  std::string large;
  while (large.size() < size_t{32} << 20) large += "All work and no play makes a dull message.\r\n";
  store_.AddMessage("frank@example.com", std::make_shared<const std::string>(std::move(large)));
  bool ended = false;
  const auto main = [&]() -> io::Task<void> {
    const io::Result<io::Address> address = node.Listen(io::Address::Loopback(0));
    io::Result<std::unique_ptr<io::SocketStream>> opened = io::OpenStream(*proactor_, AF_INET);
    io::SocketStream& client = **opened;
    const io::Result<> connected = co_await client.Connect(*address);
    EXPECT_TRUE(connected);
    const io::Result<> written =
        co_await client.Write("USER frank@example.com\r\nPASS fir\r\nRETR 1\r\n");
    EXPECT_TRUE(written);
    // Until the socket's buffers are full; how much that is, the kernel knows.
    while (node.counters().retrieved == 0) co_await proactor_->Sleep(std::chrono::milliseconds(16));
    co_await proactor_->Sleep(std::chrono::milliseconds(200));
    node.Stop();
    co_await node.Stopped();
    ended = true;
    proactor_->Stop();
  };
  io::TaskScope scope(proactor_->ready());
  scope.Spawn(main());
  proactor_->Run();
  EXPECT_TRUE(ended);
}

TEST_F(MailNodeTest, SaysWhenItCannotListen) {
  MailNode node(*proactor_, store_, {});
  const auto nowhere = io::Address::Parse("192.0.2.1", 1);  // TEST-NET-1: no address of ours
  const io::Result<io::Address> address = node.Listen(*nowhere);
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().code, EADDRNOTAVAIL);
}

}  // namespace
}  // namespace poplar::demo
