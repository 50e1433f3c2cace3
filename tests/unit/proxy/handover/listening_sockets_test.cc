#include "proxy/handover/listening_sockets.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proxy/io/kernel_socket.h"

namespace poplar::handover {
namespace {

io::Descriptor Listening(bool shares = true) {
  return io::Descriptor(
      *io::OpenListening(io::Address::Loopback(0), {.reuse_port = shares}, io::Blocking::kNo));
}

const io::Address kAnyPort = io::Address::Loopback(0);

TEST(ListeningSockets, AreTakenByPurposeAndAddress) {
  ListeningSockets sockets;
  io::Descriptor first = Listening();
  const io::Address address = io::LocalAddressOf(first.get());
  io::Descriptor second(*io::OpenListening(address, {}, io::Blocking::kNo));
  const std::vector<int> numbers = {first.get(), second.get()};
  sockets.Add({std::string(kPop3), "old name"}, std::move(first));
  sockets.Add({std::string(kPop3), "old name"}, std::move(second));
  sockets.Add({std::string(kPop3), "other"}, Listening());
  EXPECT_TRUE(sockets.Take(kAutoconfig, "old name", address).empty());
  const auto taken = sockets.Take(kPop3, "new name", address);
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].get(), numbers[0]);
  EXPECT_EQ(taken[1].get(), numbers[1]);
  EXPECT_TRUE(sockets.Take(kPop3, "new name", address).empty());
  EXPECT_EQ(sockets.Left().size(), 1u);
  EXPECT_EQ(sockets.Left()[0].substr(0, 19), "other on 127.0.0.1:");
}

// Nobody knows an address that isn't decided: there the name tells them apart.
TEST(ListeningSockets, AreTakenByNameWhereAnyPortIsMeant) {
  ListeningSockets sockets;
  sockets.Add({std::string(kPop3), "pop3s"}, Listening());
  EXPECT_TRUE(sockets.Take(kPop3, "pop3", kAnyPort).empty());
  EXPECT_TRUE(sockets.Take(kPop3, "pop3s", *io::Address::Parse("::1", 0)).empty());
  EXPECT_EQ(sockets.Take(kPop3, "pop3s", kAnyPort).size(), 1u);
}

TEST(ListeningSockets, AServiceManagerKnowsNamesOrAddresses) {
  ListeningSockets sockets;
  io::Descriptor nameless = Listening();
  const io::Address address = io::LocalAddressOf(nameless.get());
  sockets.Add({"", "poplar.socket"}, std::move(nameless));
  sockets.Add({"", "pop3s"}, Listening());
  EXPECT_EQ(sockets.Take(kPop3, "pop3s", *io::Address::Parse("192.0.2.1", 995)).size(), 1u);
  EXPECT_EQ(sockets.Take(kPop3, "pop3", address).size(), 1u);
  EXPECT_TRUE(sockets.empty());
}

TEST(ListeningSockets, WhatDoesNotListenIsNone) {
  ListeningSockets sockets;
  sockets.Add({}, io::Descriptor(*io::OpenConnecting(AF_INET, io::Blocking::kNo)));
  sockets.Add({}, io::Descriptor());
  EXPECT_TRUE(sockets.empty());
}

TEST(ShareOut, EachWorkerHasOneOrMoreOrOpensItsOwn) {
  std::vector<io::Descriptor> sockets;
  for (int i = 0; i < 3; ++i) sockets.push_back(Listening());
  using Workers = std::vector<std::vector<size_t>>;
  EXPECT_EQ(ShareOut(sockets, 3).workers, (Workers{{0}, {1}, {2}}));
  EXPECT_EQ(ShareOut(sockets, 1).workers, (Workers{{0}, {0}, {0}}));
  EXPECT_EQ(ShareOut(sockets, 2).workers, (Workers{{0}, {1}, {0}}));
  const SocketShares more = ShareOut(sockets, 5);
  EXPECT_EQ(more.workers, (Workers{{0}, {1}, {2}}));
  EXPECT_EQ(more.without, (std::vector<size_t>{3, 4}));
}

TEST(ShareOut, WhatSharesNoPortIsEverybodys) {
  std::vector<io::Descriptor> sockets;
  sockets.push_back(Listening(false));
  const SocketShares shares = ShareOut(sockets, 3);
  EXPECT_EQ(shares.workers, (std::vector<std::vector<size_t>>{{0, 1, 2}}));
  EXPECT_TRUE(shares.without.empty());
}

}  // namespace
}  // namespace poplar::handover
