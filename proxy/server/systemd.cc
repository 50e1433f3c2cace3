#include "proxy/server/systemd.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>

namespace poplar::server {
namespace {

uint64_t NumberOf(const char* variable) {
  const char* const text = std::getenv(variable);
  uint64_t number = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), number);
  return number;
}

// Half of the time after which it would end us. A process that has taken over inherits the
// environment without WATCHDOG_PID, for it is another process than the one that was started.
std::optional<io::Duration> WatchdogInterval() {
  const uint64_t micros = NumberOf("WATCHDOG_USEC");
  const uint64_t pid = NumberOf("WATCHDOG_PID");
  const bool means_us = pid == 0 || pid == static_cast<uint64_t>(getpid());
  if (micros == 0 || micros > uint64_t{24} * 3600 * 1'000'000 || !means_us) return std::nullopt;
  return std::chrono::microseconds(static_cast<int64_t>(micros)) / 2;
}

}  // namespace

Systemd::Systemd(const io::Clock& clock)
    : clock_(clock), present_(std::getenv("NOTIFY_SOCKET") != nullptr) {
  if (present_) watchdog_interval_ = WatchdogInterval();
}

handover::ListeningSockets Systemd::Sockets() {
  handover::ListeningSockets sockets;
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  for (int i = 0; i < count; ++i) {
    sockets.Add({.purpose = {}, .name = names == nullptr ? "" : names[i]},
                io::Descriptor(SD_LISTEN_FDS_START + i));
  }
  for (char** name = names; name != nullptr && *name != nullptr; ++name) std::free(*name);
  std::free(static_cast<void*>(names));
  return sockets;
}

void Systemd::Say(const std::string& state) const {
  if (present_) sd_notify(0, state.c_str());
}

void Systemd::Ready(std::string_view status, bool took_over) const {
  std::string state = "READY=1\nSTATUS=" + std::string(status);
  if (took_over) state = "MAINPID=" + std::to_string(getpid()) + "\n" + state;
  Say(state);
}

void Systemd::Reloading() const {
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(clock_.Now().time_since_epoch());
  Say("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
}

void Systemd::Stopping(std::string_view status) const {
  Say("STOPPING=1\nSTATUS=" + std::string(status));
}

void Systemd::Status(std::string_view status) const { Say("STATUS=" + std::string(status)); }

void Systemd::KeepWatchdogQuiet() const { Say("WATCHDOG=1"); }

}  // namespace poplar::server
