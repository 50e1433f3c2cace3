#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/handover/listening_sockets.h"
#include "proxy/io/clock.h"

namespace poplar::server {

// systemd, or whoever else speaks its protocols: sd_notify(3), sd_watchdog_enabled(3),
// sd_listen_fds(3). Without one nothing is said. One thread.
class Systemd {
 public:
  explicit Systemd(const io::Clock& clock);

  // What it listens on for us. Once: the environment is told to forget it, and so are children.
  static handover::ListeningSockets Sockets();

  // Serving. `took_over`: and that this process is the service's main one now, in place of the one
  // that it has known.
  void Ready(std::string_view status, bool took_over = false) const;
  void Reloading() const;
  void Stopping(std::string_view status) const;
  void Status(std::string_view status) const;
  // The process is alive.
  void KeepWatchdogQuiet() const;

  bool present() const { return present_; }
  // How often it wants to hear that; null: not at all.
  std::optional<io::Duration> watchdog_interval() const { return watchdog_interval_; }

 private:
  void Say(const std::string& state) const;

  const io::Clock& clock_;
  bool present_ = false;
  std::optional<io::Duration> watchdog_interval_;
};

}  // namespace poplar::server
