#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "proxy/cli/shutdown.h"
#include "proxy/config/drain_config.h"
#include "proxy/config/field.h"
#include "proxy/handover/program.h"
#include "proxy/server/log.h"
#include "proxy/server/server.h"
#include "proxy/server/systemd.h"
#include "proxy/server/upgrade.h"
#include "proxy/server/upgrade_request.h"

namespace poplar::cli {

// Blocks the signals that a Process waits for, in this thread and in all that it starts. Call it
// before any thread is there.
void BlockSignals();

// The one of those that came within `timeout`, or 0.
int WaitForSignal(config::Duration timeout);

// Takes as many file descriptors as the hard limit allows; returns that number.
uint64_t RaiseDescriptorLimit();

// The life of a process that serves, from when it does to its end, on one thread:
//
//   serving    until SIGTERM or SIGINT: then shutting down. SIGHUP: OnHangup; the reload that it
//              asks for is another thread's, and the service manager hears when it is over
//   upgrading  on SIGUSR2, while another process gets ready: back to serving where that fails, else
//              shutting down, without a delay
//   shutting down (shutdown.h) until the last session has ended; once more SIGTERM ends all at once
class Process {
 public:
  struct Parts {
    server::Server& server;
    server::Log& log;
    const io::Clock& clock;
    const server::Systemd& manager;
    std::function<config::DrainConfig()> drain;  // as it is in force
    const handover::Program* program = nullptr;  // null: it can't be upgraded
    server::UpgradeRequest* request = nullptr;   // who else asks for that; null: nobody
    std::function<void()> on_hangup = [] {};     // behind opening log files anew; doesn't wait
    std::function<bool()> is_reloading = [] { return false; };  // as on_hangup has asked
  };

  explicit Process(Parts parts) : parts_(std::move(parts)) {}

  // Returns the exit status.
  int Run();

 private:
  void OnSignal(int signal);
  void OnHangup();
  void LookAtReload();
  void OnStop();
  void StartUpgrade();
  void LookAtUpgrade();
  void LookAtShutdown();
  void Do(Shutdown::Step step);
  void TellManager();
  config::Duration Patience() const;
  void Answer(server::UpgradeRequest::Result result);
  std::string Sessions() const { return std::to_string(parts_.server.sessions()) + " sessions"; }

  Parts parts_;
  std::unique_ptr<server::Upgrade> upgrade_;  // while one is under way
  std::optional<Shutdown> shutdown_;          // once it is to end
  config::DrainConfig drain_;                 // likewise
  bool tells_reload_ = false;                 // the service manager waits for its end
  bool handed_over_ = false;                  // to another process, which is the main one then
  bool told_to_stop_ = false;                 // since then
  io::Time told_manager_{};
  io::Time kept_watchdog_quiet_{};
};

}  // namespace poplar::cli
