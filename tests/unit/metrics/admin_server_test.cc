#include "metrics/admin_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "metrics/node_page.h"
#include "tests/unit/metrics/sample_nodes.h"

namespace poplar::metrics {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Connection {
 public:
  explicit Connection(uint16_t port, bool is_v6 = false)
      : fd_(::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    sockaddr_in v4{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {}, .sin_zero = {}};
    ::inet_pton(AF_INET, "127.0.0.1", &v4.sin_addr);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    v6.sin6_addr = in6addr_loopback;
    const int result = is_v6 ? ::connect(fd_, reinterpret_cast<sockaddr*>(&v6), sizeof(v6))
                             : ::connect(fd_, reinterpret_cast<sockaddr*>(&v4), sizeof(v4));
    EXPECT_EQ(result, 0) << std::strerror(errno);
  }
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Send(const std::string& bytes) {
    size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return;  // the server has had enough
      sent += static_cast<size_t>(n);
    }
  }

  std::string ReadToEnd() {
    std::string text;
    char buffer[4096];
    ssize_t n;
    while ((n = ::recv(fd_, buffer, sizeof(buffer), 0)) > 0)
      text.append(buffer, static_cast<size_t>(n));
    EXPECT_FALSE(n < 0 && errno == EAGAIN) << "no answer in time";
    return text;
  }

 private:
  int fd_;
};

class AdminServerTest : public testing::Test {
 protected:
  AdminHandlers Handlers() {
    return {.metrics = [] { return std::string("poplar_up 1\n"); },
            .live = [this] { return is_live_.load(); },
            .ready = [this] { return is_ready_.load(); },
            .nodes = [] { return SampleNodes(); },
            .set_state =
                [this](std::string_view cluster, std::string_view node, AdminState state) {
                  const std::lock_guard lock(mutex_);
                  last_change_ = std::string(cluster) + "|" + std::string(node) + "|" +
                                 std::string(TextOf(state));
                  return SetStateResult::kOk;
                }};
  }

  std::unique_ptr<AdminServer> Start(const std::string& host = "127.0.0.1") {
    auto server = AdminServer::Start({.host = host, .port = 0}, Handlers());
    EXPECT_TRUE(server.has_value()) << server.error();
    return server ? std::move(*server) : nullptr;
  }

  static std::string Ask(uint16_t port, const std::string& method, const std::string& path) {
    Connection connection(port);
    connection.Send(method + " " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
    return connection.ReadToEnd();
  }

  // `rest`: headers and body.
  static std::string Post(uint16_t port, const std::string& target, const std::string& rest) {
    Connection connection(port);
    connection.Send("POST " + target + " HTTP/1.1\r\nHost: x\r\n" + rest);
    return connection.ReadToEnd();
  }

  std::string LastChange() {
    const std::lock_guard lock(mutex_);
    return std::exchange(last_change_, "");
  }

  std::mutex mutex_;
  std::string last_change_;
  std::atomic<bool> is_live_ = true;
  std::atomic<bool> is_ready_ = true;
};

TEST_F(AdminServerTest, ServesMetrics) {
  const auto server = Start();
  ASSERT_NE(server->port(), 0);
  const std::string answer = Ask(server->port(), "GET", "/metrics");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 12\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\npoplar_up 1\n"));
}

TEST_F(AdminServerTest, LivenessAndReadinessFollowTheirCallbacks) {
  const auto server = Start();
  EXPECT_THAT(Ask(server->port(), "GET", "/livez"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Ask(server->port(), "GET", "/readyz"), StartsWith("HTTP/1.1 200 "));
  is_ready_ = false;
  EXPECT_THAT(Ask(server->port(), "GET", "/readyz?verbose"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(Ask(server->port(), "GET", "/livez"), StartsWith("HTTP/1.1 200 "));
  is_live_ = false;
  EXPECT_THAT(Ask(server->port(), "GET", "/livez"), EndsWith("\r\n\r\nnot live\n"));
}

TEST_F(AdminServerTest, HeadHasNoBody) {
  const auto server = Start();
  const std::string answer = Ask(server->port(), "HEAD", "/metrics");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 12\r\n"));
}

TEST_F(AdminServerTest, ServesNothingElse) {
  const auto server = Start();
  for (const char* path : {"/", "/metrics/", "/metrics/x", "/etc/passwd", "/../../etc/passwd",
                           "/%2e%2e/etc/passwd", "/readyz.php"}) {
    EXPECT_THAT(Ask(server->port(), "GET", path), StartsWith("HTTP/1.1 4")) << path;
  }
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"}) {
    EXPECT_THAT(Ask(server->port(), method, "/metrics"), StartsWith("HTTP/1.1 405 ")) << method;
  }
  EXPECT_THAT(Ask(server->port(), "POST", "/metrics"), HasSubstr("\r\nAllow: GET, HEAD\r\n"));
  EXPECT_THAT(Ask(server->port(), "OPTIONS", "*"), Not(HasSubstr(" 200 ")));
}

TEST_F(AdminServerTest, ShowsTheNodes) {
  const auto server = Start();
  const std::string json = Ask(server->port(), "GET", "/nodes");
  EXPECT_THAT(json, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(json, EndsWith("\r\n\r\n" + NodesAsJson(SampleNodes())));
  EXPECT_THAT(Ask(server->port(), "GET", "/nodes?format=text"),
              EndsWith("\r\n\r\n" + NodesAsTable(SampleNodes())));
  EXPECT_THAT(Ask(server->port(), "HEAD", "/nodes"), EndsWith("\r\n\r\n"));
}

TEST_F(AdminServerTest, ChangesANode) {
  const auto server = Start();
  const std::string target = "/nodes/main/mail%2f1?state=drain";
  const std::string answer = Post(server->port(), target, "\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nmain/mail/1: drain\n"));
  EXPECT_EQ(LastChange(), "main|mail/1|drain");
  EXPECT_THAT(Ask(server->port(), "GET", target), HasSubstr("\r\nAllow: POST\r\n"));
  EXPECT_EQ(LastChange(), "");
}

TEST_F(AdminServerTest, NoBrowserChangesANode) {
  const auto server = Start();
  const std::string target = "/nodes/main/mail1?state=down";
  EXPECT_THAT(Post(server->port(), target, "origin: http://evil.example\r\n\r\n"),
              StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  // Nor by hiding the header behind more of them than are read.
  std::string many;
  for (int i = 0; i < 200; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  EXPECT_THAT(Post(server->port(), target, many + "Origin: http://evil.example\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_EQ(LastChange(), "");
}

TEST_F(AdminServerTest, ASmallBodyIsIgnoredALongOneRefused) {
  const auto server = Start();
  const std::string target = "/nodes/main/mail1?state=down";
  const std::string most(kAdminMaxBodyBytes, 'x');
  const std::string length = "Content-Length: ";
  EXPECT_THAT(
      Post(server->port(), target, length + std::to_string(most.size()) + "\r\n\r\n" + most),
      StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(LastChange(), "main|mail1|down");
  EXPECT_THAT(Post(server->port(), target,
                   length + std::to_string(most.size() + 1) + "\r\n\r\n" + most + "x"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(Post(server->port(), target,
                   "Transfer-Encoding: chunked\r\n\r\n401\r\n" + most + "x\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(LastChange(), "");
  EXPECT_THAT(
      Post(server->port(), target, "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
      StartsWith("HTTP/1.1 200 "));
}

TEST_F(AdminServerTest, OversizedRequestIsRefused) {
  const auto server = Start();
  Connection connection(server->port());
  connection.Send("GET /metrics HTTP/1.1\r\nX: " + std::string(kAdminMaxRequestBytes, 'x') +
                  "\r\n\r\n");
  EXPECT_THAT(connection.ReadToEnd(), Not(HasSubstr(" 200 ")));
  EXPECT_THAT(Ask(server->port(), "GET", "/livez"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(AdminServerTest, GarbageIsRefused) {
  const auto server = Start();
  for (const std::string& bytes :
       {std::string("\x16\x03\x01\x02\x00\x01\x00\x01", 8) + "\r\n\r\n",
        std::string("USER bob\r\n\r\n"), std::string(16, '\0') + "\r\n\r\n"}) {
    Connection connection(server->port());
    connection.Send(bytes);
    const std::string answer = connection.ReadToEnd();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(answer, Not(HasSubstr("\nDate:")));  // the library's page: see OnError
  }
  EXPECT_THAT(Ask(server->port(), "GET", "/livez"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(AdminServerTest, SilentConnectionsCostATimeoutNotTheServer) {
  const auto server = Start();
  std::vector<std::unique_ptr<Connection>> silent;
  for (int i = 0; i < kAdminThreads; ++i) {
    silent.push_back(std::make_unique<Connection>(server->port()));
    silent.back()->Send("GET /metr");
  }
  Connection connection(server->port());
  connection.Send("GET /livez HTTP/1.1\r\n\r\n");
  std::string answer = connection.ReadToEnd();
  if (answer.empty()) answer = Ask(server->port(), "GET", "/livez");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
}

TEST_F(AdminServerTest, ThrowingHandlerIsAnInternalError) {
  auto handlers = Handlers();
  handlers.metrics = []() -> std::string { throw std::runtime_error("out of paper"); };
  const auto server = AdminServer::Start({.host = "127.0.0.1", .port = 0}, handlers);
  ASSERT_TRUE(server.has_value());
  EXPECT_THAT(Ask((*server)->port(), "GET", "/metrics"), StartsWith("HTTP/1.1 500 "));
}

TEST_F(AdminServerTest, TheApiAnswersInJsonWhateverHappens) {
  auto handlers = Handlers();
  handlers.status = []() -> StatusView { throw std::runtime_error("out of paper"); };
  const auto server = AdminServer::Start({.host = "127.0.0.1", .port = 0}, handlers);
  ASSERT_TRUE(server.has_value());
  const std::string answer = Ask((*server)->port(), "GET", "/api/v1/status");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n{\"error\":\"out of paper\"}\n"));
}

// Each challenge in a header of its own: browsers take the one that they know.
TEST_F(AdminServerTest, OffersEachWayToShowAToken) {
  auto handlers = Handlers();
  handlers.may_read = [](std::string_view) { return false; };
  const auto server = AdminServer::Start({.host = "127.0.0.1", .port = 0}, handlers);
  ASSERT_TRUE(server.has_value());
  EXPECT_THAT(Ask((*server)->port(), "GET", "/metrics"),
              HasSubstr("\r\nWWW-Authenticate: Bearer realm=\"poplar\"\r\n"
                        "WWW-Authenticate: Basic realm=\"Poplar\"\r\n"));
}

// Debian 12 builds civetweb without IPv6: then the error must say so instead of a riddle.
TEST_F(AdminServerTest, ListensOnIpv6OrSaysWhyNot) {
  const auto server = AdminServer::Start({.host = "::1", .port = 0}, Handlers());
  if (!server) {
    EXPECT_EQ(server.error(),
              "admin endpoint: the civetweb library on this machine has no IPv6, use an IPv4 "
              "address instead of ::1");
    return;
  }
  Connection connection((*server)->port(), /*is_v6=*/true);
  connection.Send("GET /livez HTTP/1.1\r\n\r\n");
  EXPECT_THAT(connection.ReadToEnd(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(AdminServerTest, SaysWhyItCannotListen) {
  const auto first = Start();
  const std::string port = std::to_string(first->port());
  struct Case {
    AdminAddress address;
    std::string error;
  };
  const Case cases[] = {
      {{"127.0.0.1", first->port()},
       "admin endpoint: cannot listen on 127.0.0.1:" + port + ": Address already in use"},
      {{"192.0.2.1", 9995},
       "admin endpoint: cannot listen on 192.0.2.1:9995: Cannot assign requested address"},
      {{"localhost", 9995}, "admin endpoint: not a numeric IP address: localhost"},
      {{"", 9995}, "admin endpoint: not a numeric IP address: "},
      {{"127.0.0.1,0.0.0.0", 9995}, "admin endpoint: not a numeric IP address: 127.0.0.1,0.0.0.0"},
  };
  for (const Case& c : cases) {
    const auto server = AdminServer::Start(c.address, Handlers());
    ASSERT_FALSE(server.has_value()) << c.address.host;
    EXPECT_EQ(server.error(), c.error);
  }
  EXPECT_THAT(Ask(first->port(), "GET", "/livez"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(AdminServerTest, ManyClientsAtOnce) {
  const auto server = Start();
  std::atomic<int> good = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      for (int round = 0; round < 25; ++round) {
        good += Ask(server->port(), "GET", "/metrics").ends_with("poplar_up 1\n");
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(good, 100);
}

TEST_F(AdminServerTest, SignalsStayWithTheirOwner) {
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  const auto server = Start();  // before the mask: the server's threads must block it on their own
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &usr1, nullptr), 0);
  ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);  // would end the process on any thread that lets it in
  int received = 0;
  EXPECT_EQ(sigwait(&usr1, &received), 0);
  EXPECT_EQ(received, SIGUSR1);
}

TEST_F(AdminServerTest, LoadsNoOpenSsl) {
  const auto server = Start();
  Ask(server->port(), "GET", "/metrics");
  std::ifstream file("/proc/self/maps");
  const std::string maps{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_THAT(maps, HasSubstr("libcivetweb"));
  EXPECT_THAT(maps, Not(HasSubstr("libssl")));
  EXPECT_THAT(maps, Not(HasSubstr("libcrypto")));
}

}  // namespace
}  // namespace poplar::metrics
