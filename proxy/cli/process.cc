#include "proxy/cli/process.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace poplar::cli {
namespace {

constexpr config::Duration kIdlePatience = std::chrono::minutes(1);
constexpr config::Duration kStatusInterval = std::chrono::seconds(5);
constexpr config::Duration kShutdownInterval = std::chrono::milliseconds(50);
constexpr config::Duration kReloadInterval = std::chrono::milliseconds(20);
// While an upgrade is under way nobody may be accepted for a moment: it had better be a short one.
constexpr config::Duration kUpgradeInterval = std::chrono::milliseconds(5);

sigset_t Signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR2}) sigaddset(&set, signal);
  return set;
}

std::string InSeconds(config::Duration time) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(time).count()) + " s";
}

}  // namespace

void BlockSignals() {
  const sigset_t set = Signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int WaitForSignal(config::Duration timeout) {
  const sigset_t set = Signals();
  timespec limit{};
  limit.tv_sec = timeout.count() / 1000;
  limit.tv_nsec = timeout.count() % 1000 * 1'000'000;
  const int signal = sigtimedwait(&set, nullptr, &limit);
  return signal > 0 ? signal : 0;
}

uint64_t RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

int Process::Run() {
  while (!shutdown_ || !parts_.server.finished()) {
    OnSignal(WaitForSignal(Patience()));
    if (tells_reload_) LookAtReload();
    if (upgrade_ != nullptr) LookAtUpgrade();
    if (shutdown_) LookAtShutdown();
    TellManager();
  }
  parts_.server.Join();
  if (parts_.request != nullptr)
    parts_.request->Close(tl::unexpected(metrics::ApiFault{409, "Poplar is stopping"}));
  parts_.log.Info("stopped");
  return 0;
}

config::Duration Process::Patience() const {
  if (upgrade_ != nullptr) return kUpgradeInterval;
  if (tells_reload_) return kReloadInterval;
  if (shutdown_) return kShutdownInterval;
  if (!parts_.manager.present()) return kIdlePatience;
  const io::Duration interval = std::min<io::Duration>(
      kStatusInterval, parts_.manager.watchdog_interval().value_or(kStatusInterval));
  return std::max(std::chrono::floor<config::Duration>(interval), config::Duration(1));
}

void Process::OnSignal(int signal) {
  if (signal == SIGHUP) OnHangup();
  if (signal == SIGTERM || signal == SIGINT) OnStop();
  if (signal == SIGUSR2) StartUpgrade();
}

void Process::OnHangup() {
  tells_reload_ = !shutdown_;
  if (tells_reload_) parts_.manager.Reloading();
  parts_.log.Reopen();
  parts_.log.Info("SIGHUP: log files are opened anew");
  parts_.on_hangup();
}

void Process::LookAtReload() {
  if (parts_.is_reloading()) return;
  tells_reload_ = false;
  parts_.manager.Ready("serving " + Sessions());
}

void Process::OnStop() {
  if (upgrade_ != nullptr) upgrade_->GiveUp();
  if (handed_over_ && !std::exchange(told_to_stop_, true)) return;  // as it does already
  if (shutdown_) {
    parts_.log.Warning("told to stop once more: " + Sessions() + " end now");
    return shutdown_->Hurry();
  }
  tells_reload_ = false;
  drain_ = parts_.drain();
  shutdown_.emplace(drain_, parts_.clock.Now());
}

// --- upgrades

void Process::StartUpgrade() {
  if (shutdown_) {
    return Answer(tl::unexpected(metrics::ApiFault{
        409, handed_over_ ? "another process has taken over already" : "Poplar is stopping"}));
  }
  if (parts_.program == nullptr) {
    parts_.log.Warning("SIGUSR2: this process can't be upgraded");
    return Answer(tl::unexpected(metrics::ApiFault{501, "this process can't be upgraded"}));
  }
  if (upgrade_ != nullptr) return;  // whoever asks hears what comes of that one
  upgrade_ = std::make_unique<server::Upgrade>(parts_.server, parts_.log, [this](int pid) {
    if (parts_.request != nullptr)
      parts_.request->Close(metrics::UpgradeResult{.pid = pid, .previous = getpid()});
  });
  upgrade_->Start(*parts_.program, parts_.clock.Now());
}

void Process::LookAtUpgrade() {
  const server::Upgrade::State state = upgrade_->Look(parts_.clock.Now());
  if (state == server::Upgrade::State::kFailed) {
    Answer(tl::unexpected(
        metrics::ApiFault{502, upgrade_->failure() + "; the old process goes on as before"}));
    if (parts_.request != nullptr) parts_.request->Reopen();
    upgrade_.reset();
  } else if (state == server::Upgrade::State::kDone) {
    drain_ = parts_.drain();
    parts_.log.Info("upgrade: process " + std::to_string(upgrade_->pid()) + " serves; " +
                    Sessions() + " of this one may go on for " + InSeconds(drain_.timeout));
    upgrade_.reset();
    tells_reload_ = false;
    handed_over_ = true;
    shutdown_.emplace(Shutdown::AfterHandOver(drain_, parts_.clock.Now()));
  }
}

void Process::Answer(server::UpgradeRequest::Result result) {
  if (parts_.request != nullptr) parts_.request->Answer(std::move(result));
}

// --- the end

void Process::LookAtShutdown() {
  for (const Shutdown::Step step : shutdown_->Due(parts_.clock.Now())) Do(step);
}

void Process::Do(Shutdown::Step step) {
  server::Server& server = parts_.server;
  switch (step) {
    case Shutdown::Step::kAnnounce:
      if (!handed_over_) parts_.manager.Stopping("draining " + Sessions());
      if (drain_.delay > config::Duration::zero() && !handed_over_) {
        parts_.log.Info("stopping: not ready any more; new connections are still taken for " +
                        InSeconds(drain_.delay));
      }
      return server.BeginDrain();
    case Shutdown::Step::kStopAccepting:
      parts_.log.Info("stopping: no new connections; " + Sessions() + " may go on for " +
                      InSeconds(drain_.timeout) + ", silent ones for " +
                      InSeconds(drain_.idle_grace));
      server.StopAccepting();
      return server.LeaveWhenSilent(drain_.idle_grace);
    case Shutdown::Step::kEndSessions:
      parts_.log.Info("drain.timeout: " + Sessions() + " end at their next command boundary");
      return server.DrainSessions();
    case Shutdown::Step::kAbort:
      return server.AbortSessions();
  }
}

// --- the service manager

void Process::TellManager() {
  const server::Systemd& manager = parts_.manager;
  if (!manager.present() || handed_over_) return;
  const io::Time now = parts_.clock.Now();
  const auto interval = manager.watchdog_interval();
  if (interval && now - kept_watchdog_quiet_ >= *interval && parts_.server.Live()) {
    kept_watchdog_quiet_ = now;
    manager.KeepWatchdogQuiet();
  }
  if (now - told_manager_ < kStatusInterval) return;
  told_manager_ = now;
  manager.Status((shutdown_ ? "draining " : "serving ") + Sessions());
}

}  // namespace poplar::cli
