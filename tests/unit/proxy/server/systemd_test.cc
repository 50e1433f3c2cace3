#include "proxy/server/systemd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

#include "proxy/io/descriptor.h"
#include "proxy/io/system_clock.h"

namespace poplar::server {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Hears what is said at NOTIFY_SOCKET.
class SystemdTest : public testing::Test {
 protected:
  void SetUp() override {
    unlink(path_.c_str());
    socket_ = io::Descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    setenv("NOTIFY_SOCKET", path_.c_str(), 1);
  }
  void TearDown() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
    unlink(path_.c_str());
  }

  std::string Heard() const {
    std::array<char, 4096> bytes{};
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    return got <= 0 ? std::string() : std::string(bytes.data(), static_cast<size_t>(got));
  }

  const std::string path_ = testing::TempDir() + "notify." + std::to_string(getpid()) + ".socket";
  io::Descriptor socket_;
  const io::SystemClock clock_;
};

TEST_F(SystemdTest, IsToldInItsWords) {
  const Systemd manager(clock_);
  EXPECT_TRUE(manager.present());
  EXPECT_EQ(manager.watchdog_interval(), std::nullopt);
  manager.Ready("serving");
  EXPECT_EQ(Heard(), "READY=1\nSTATUS=serving");
  manager.Ready("serving", true);
  EXPECT_EQ(Heard(), "MAINPID=" + std::to_string(getpid()) + "\nREADY=1\nSTATUS=serving");
  manager.Reloading();
  EXPECT_THAT(Heard(), StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  manager.Stopping("draining");
  EXPECT_EQ(Heard(), "STOPPING=1\nSTATUS=draining");
  manager.KeepWatchdogQuiet();
  EXPECT_EQ(Heard(), "WATCHDOG=1");
}

TEST_F(SystemdTest, WantsToHearFromUsTwiceAsOftenAsItSays) {
  setenv("WATCHDOG_USEC", "3000000", 1);
  EXPECT_EQ(Systemd(clock_).watchdog_interval(), std::chrono::milliseconds(1500));
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  EXPECT_EQ(Systemd(clock_).watchdog_interval(), std::chrono::milliseconds(1500));
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(Systemd(clock_).watchdog_interval(), std::nullopt) << "another process";
  unsetenv("WATCHDOG_PID");
  for (const char* nonsense : {"0", "-5", "x", "99999999999999999999"}) {
    setenv("WATCHDOG_USEC", nonsense, 1);
    EXPECT_EQ(Systemd(clock_).watchdog_interval(), std::nullopt) << nonsense;
  }
}

TEST_F(SystemdTest, MayBeMissing) {
  unsetenv("NOTIFY_SOCKET");
  const Systemd manager(clock_);
  EXPECT_FALSE(manager.present());
  manager.Ready("serving");
  EXPECT_EQ(Heard(), "");
  EXPECT_TRUE(Systemd::Sockets().empty());
}

}  // namespace
}  // namespace poplar::server
