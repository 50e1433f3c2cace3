#include "proxy/io/kernel_socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

namespace poplar::io {
namespace {

int OptionOf(int descriptor, int level, int name) {
  int value = -1;
  socklen_t length = sizeof(value);
  getsockopt(descriptor, level, name, &value, &length);
  return value;
}

TEST(KernelSocket, ConnectsAtBothEnds) {
  const Result<int> listener = OpenListening(Address::Loopback(0), {}, Blocking::kYes);
  ASSERT_TRUE(listener) << listener.error().Text();
  const Address address = LocalAddressOf(*listener);
  EXPECT_NE(address.port(), 0);
  const Result<int> near = OpenConnecting(AF_INET, Blocking::kYes);
  ASSERT_TRUE(near) << near.error().Text();
  ASSERT_EQ(connect(*near, address.sockaddr_pointer(), address.sockaddr_length()), 0);
  const int far = accept(*listener, nullptr, nullptr);
  EXPECT_EQ(*PeerAddressOf(*near), address);
  EXPECT_EQ(*PeerAddressOf(far), LocalAddressOf(*near));
  for (const int descriptor : {*listener, *near, far}) close(descriptor);
}

TEST(KernelSocket, SetsTheOptions) {
  const int sharing = *OpenListening(Address::Loopback(0), {}, Blocking::kYes);
  const int alone = *OpenListening(Address::Loopback(0), {.reuse_port = false}, Blocking::kYes);
  const int near = *OpenConnecting(AF_INET, Blocking::kYes);
  EXPECT_EQ(OptionOf(sharing, SOL_SOCKET, SO_REUSEPORT), 1);
  EXPECT_EQ(OptionOf(alone, SOL_SOCKET, SO_REUSEPORT), 0);
  EXPECT_EQ(OptionOf(near, IPPROTO_TCP, TCP_NODELAY), 1);
  for (const int descriptor : {sharing, alone, near}) {
    EXPECT_NE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
    close(descriptor);
  }
}

TEST(KernelSocket, WaitsOrNotAsWished) {
  for (const Blocking blocking : {Blocking::kYes, Blocking::kNo}) {
    const int wanted = blocking == Blocking::kNo ? O_NONBLOCK : 0;
    for (const int descriptor :
         {*OpenListening(Address::Loopback(0), {}, blocking), *OpenConnecting(AF_INET, blocking)}) {
      EXPECT_EQ(fcntl(descriptor, F_GETFL) & O_NONBLOCK, wanted);
      close(descriptor);
    }
  }
}

TEST(KernelSocket, TellsSpuriousAnswersFromLastingOnes) {
  for (const int result : {-EAGAIN, -EINTR}) EXPECT_TRUE(IsSpurious(result));
  for (const int result : {0, 7, -ECONNRESET}) EXPECT_FALSE(IsSpurious(result));
  for (const int result : {-EMFILE, -ENFILE, -ENOBUFS}) EXPECT_TRUE(AcceptMustPause(result));
  for (const int result : {0, 7, -EAGAIN, -EINTR, -ECONNABORTED})
    EXPECT_FALSE(AcceptMustPause(result));
}

TEST(KernelSocket, KnowsWhatIsNoSocket) {
  EXPECT_FALSE(SendAtOnce(-1));
  EXPECT_FALSE(SendAtOnce(STDERR_FILENO));
  EXPECT_FALSE(NothingToReceive(-1));
  const int fresh = *OpenConnecting(AF_INET, Blocking::kYes);
  EXPECT_FALSE(NothingToReceive(fresh)) << "not connected";
  EXPECT_EQ(PeerAddressOf(fresh).error().code, ENOTCONN);
  close(fresh);
  EXPECT_EQ(LocalAddressOf(-1), Address());
  EXPECT_EQ(PeerAddressOf(-1).error().code, EBADF);
  EXPECT_EQ(OpenConnecting(-1, Blocking::kYes).error().code, EAFNOSUPPORT);
}

TEST(KernelSocket, KnowsTheAddressOfAllThatAreAccepted) {
  const int one = *OpenListening(Address::Loopback(0), {}, Blocking::kYes);
  EXPECT_EQ(LocalAddressOfAll(one), LocalAddressOf(one));
  const int any = *OpenListening(*Address::Parse("0.0.0.0", 0), {}, Blocking::kYes);
  EXPECT_EQ(LocalAddressOfAll(any), Address());
  const Result<int> any6 = OpenListening(*Address::Parse("::", 0), {}, Blocking::kYes);
  if (any6) EXPECT_EQ(LocalAddressOfAll(*any6), Address());
  for (const int descriptor : {one, any, any6.value_or(-1)}) close(descriptor);
}

TEST(KernelSocket, KnowsThatATransparentSocketHasNoOneAddress) {
  const int one = *OpenListening(Address::Loopback(0), {}, Blocking::kYes);
  const int on = 1;
  const bool set = setsockopt(one, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on)) == 0;
  const Address address = LocalAddressOfAll(one);
  close(one);
  if (!set) GTEST_SKIP() << "only root may set IP_TRANSPARENT";
  EXPECT_EQ(address, Address());
}

TEST(KernelSocket, WaitsForBytes) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  EXPECT_FALSE(AwaitBytes(pair[0], std::chrono::milliseconds(1)));
  ASSERT_EQ(write(pair[1], "x", 1), 1);
  EXPECT_TRUE(AwaitBytes(pair[0], std::chrono::hours(1)));
  char byte = 0;
  ASSERT_EQ(read(pair[0], &byte, 1), 1);
  close(pair[1]);
  EXPECT_TRUE(AwaitBytes(pair[0], std::chrono::hours(1))) << "an end";
  close(pair[0]);
}

}  // namespace
}  // namespace poplar::io
