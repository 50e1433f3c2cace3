#include "proxy/cli/process.h"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>

namespace poplar::cli {
namespace {

constexpr config::Duration kPollInterval = std::chrono::milliseconds(50);

sigset_t Signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
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

int RunUntilStopped(server::Server& server, server::Log& log, config::Duration drain_timeout,
                    const std::function<void()>& on_hangup) {
  int signal = 0;
  while (signal == 0) {
    signal = WaitForSignal(std::chrono::hours(1));
    if (signal != SIGHUP) continue;
    log.Reopen();
    log.Info("SIGHUP: log files are opened anew");
    on_hangup();
    signal = 0;
  }
  log.Info("stopping: no new connections; " + std::to_string(server.sessions()) +
           " sessions may go on for " +
           std::to_string(std::chrono::duration_cast<std::chrono::seconds>(drain_timeout).count()) +
           " s");
  server.StopAccepting();
  bool drained = false;
  bool aborted = false;
  // The time left is counted in poll intervals: it needs no clock, and a late one only adds
  // patience.
  for (config::Duration left = drain_timeout; !server.finished(); left -= kPollInterval) {
    if (!drained && left <= config::Duration::zero()) {
      drained = true;
      log.Info("drain_timeout: " + std::to_string(server.sessions()) +
               " sessions end at their next command boundary");
      server.DrainSessions();
    }
    signal = WaitForSignal(kPollInterval);
    if ((signal != SIGTERM && signal != SIGINT) || aborted) continue;
    aborted = true;
    log.Warning("second signal: " + std::to_string(server.sessions()) + " sessions end now");
    server.AbortSessions();
  }
  server.Join();
  log.Info("stopped");
  return 0;
}

}  // namespace poplar::cli
