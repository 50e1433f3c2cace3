#include "proxy/io/descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <utility>

#include "proxy/io/kernel_socket.h"

namespace poplar::io {
namespace {

bool IsOpen(int descriptor) { return fcntl(descriptor, F_GETFD) >= 0; }

TEST(Descriptor, IsClosedOnce) {
  int number = -1;
  {
    Descriptor first(*OpenConnecting(AF_INET, Blocking::kYes));
    number = first.get();
    Descriptor second = std::move(first);
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): what is left of it
    EXPECT_EQ(second.get(), number);
    EXPECT_TRUE(IsOpen(number));
    second = Descriptor();
    EXPECT_FALSE(IsOpen(number));
  }
  Descriptor released(*OpenConnecting(AF_INET, Blocking::kYes));
  number = released.Release();
  EXPECT_FALSE(released);
  EXPECT_TRUE(IsOpen(number));
  close(number);
}

TEST(Duplicate, IsTheSameSocketUnderAnotherNumber) {
  const Descriptor socket(*OpenListening(Address::Loopback(0), {}, Blocking::kYes));
  const auto copy = Duplicate(socket.get());
  ASSERT_TRUE(copy);
  EXPECT_NE(copy->get(), socket.get());
  EXPECT_EQ(LocalAddressOf(copy->get()), LocalAddressOf(socket.get()));
  EXPECT_NE(fcntl(copy->get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_FALSE(Duplicate(-1));
}

TEST(SetBlocking, IsOfTheOpenFile) {
  const Descriptor socket(*OpenListening(Address::Loopback(0), {}, Blocking::kYes));
  const auto copy = Duplicate(socket.get());
  ASSERT_TRUE(SetBlocking(socket.get(), false));
  EXPECT_NE(fcntl(copy->get(), F_GETFL) & O_NONBLOCK, 0);
  ASSERT_TRUE(SetBlocking(socket.get(), true));
  EXPECT_EQ(fcntl(copy->get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_FALSE(SetBlocking(-1, true));
}

TEST(Listens, TellsListenersFromOthers) {
  const Descriptor listening(*OpenListening(Address::Loopback(0), {}, Blocking::kYes));
  const Descriptor alone(
      *OpenListening(Address::Loopback(0), {.reuse_port = false}, Blocking::kYes));
  const Descriptor other(*OpenConnecting(AF_INET, Blocking::kYes));
  EXPECT_TRUE(Listens(listening.get()));
  EXPECT_FALSE(Listens(other.get()));
  EXPECT_FALSE(Listens(-1));
  EXPECT_TRUE(SharesItsPort(listening.get()));
  EXPECT_FALSE(SharesItsPort(alone.get()));
  EXPECT_TRUE(CloseOnExec(other.get()));
  EXPECT_FALSE(CloseOnExec(-1));
}

}  // namespace
}  // namespace poplar::io
