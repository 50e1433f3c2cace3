#include "proxy/io/name_lookup.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <resolv.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "proxy/io/system_clock.h"

namespace poplar::io {
namespace {

TEST(LookUpName, TakesAnAddressAsItIs) {
  EXPECT_EQ(LookUpName("192.0.2.7", 110)->Text(), "192.0.2.7:110");
  EXPECT_EQ(LookUpName("2001:db8::1", 995)->Text(), "[2001:db8::1]:995");
}

TEST(LookUpName, FindsTheLocalHost) {
  const auto found = LookUpName("localhost", 1110);
  ASSERT_TRUE(found) << found.error();
  EXPECT_EQ(found->port(), 1110);
  EXPECT_TRUE(found->Host() == "127.0.0.1" || found->Host() == "::1") << found->Host();
}

TEST(LookUpName, NamesTheHostThatItCannotFind) {
  // RFC 6761: .invalid never exists, whether a resolver can be asked or not.
  const auto found = LookUpName("mail.invalid", 110);
  ASSERT_FALSE(found);
  EXPECT_TRUE(found.error().starts_with("cannot look up the host name mail.invalid: "))
      << found.error();
}

TEST(LookUpNamesTest, GivesEachAddressOnce) {
  const auto literal = LookUpNames("192.0.2.1", 80);
  ASSERT_TRUE(literal);
  EXPECT_EQ(*literal, std::vector{*Address::Parse("192.0.2.1", 80)});
  const auto local = LookUpNames("localhost", 80);
  ASSERT_TRUE(local) << local.error();
  std::set<std::string> texts;
  for (const Address& address : *local) texts.insert(address.Text());
  EXPECT_EQ(texts.size(), local->size());
  EXPECT_FALSE(LookUpNames("mail.invalid", 80));
}

// Takes questions and never answers.
class SilentNameServer {
 public:
  SilentNameServer() : socket_(socket(AF_INET, SOCK_DGRAM, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    sockaddr any{};
    std::memcpy(&any, &address_, sizeof any);
    EXPECT_EQ(bind(socket_, &any, sizeof any), 0);
    EXPECT_EQ(getsockname(socket_, &any, &size), 0);
    std::memcpy(&address_, &any, sizeof any);
  }
  ~SilentNameServer() { close(socket_); }
  SilentNameServer(const SilentNameServer&) = delete;
  SilentNameServer& operator=(const SilentNameServer&) = delete;

  // For the calling thread.
  void BeTheOnlyOne() const {
    _res.nscount = 1;
    _res.nsaddr_list[0] = address_;
  }
  bool asked() const {
    char byte = 0;
    return recv(socket_, &byte, 1, MSG_DONTWAIT) > 0;
  }

 private:
  int socket_;
  sockaddr_in address_{};
};

TEST(LimitNameLookUps, ASilentNameServerIsNotWaitedForLong) {
  const SilentNameServer server;
  const SystemClock clock;
  std::thread([&] {
    LimitNameLookUps();
    server.BeTheOnlyOne();
    const Time begun = clock.Now();
    EXPECT_FALSE(LookUpName("mail.example.org.", 110));
    EXPECT_LT(clock.Now() - begun, std::chrono::seconds(8));  // ten without the limit
  }).join();
  EXPECT_TRUE(server.asked());
}

}  // namespace
}  // namespace poplar::io
