#include "proxy/cli/serve_command.h"

#include "proxy/cli/certificate_check.h"
#include "proxy/cli/fail.h"
#include "proxy/cli/process.h"
#include "proxy/cli/version.h"
#include "proxy/config/load.h"
#include "proxy/io/system_clock.h"
#include "proxy/server/build_settings.h"
#include "proxy/server/reloader.h"

namespace poplar::cli {
namespace {

// Two descriptors a session: the client's and the node's.
void WarnOfDescriptors(const config::Config& config, uint64_t descriptors, server::Log& log) {
  const auto wanted = static_cast<uint64_t>(config.limits.sessions) * 2;
  if (wanted <= descriptors) return;
  log.Warning("limits.sessions is " + std::to_string(config.limits.sessions) + ", which takes " +
              std::to_string(wanted) + " file descriptors, but the limit is " +
              std::to_string(descriptors) +
              ". Raise it (LimitNOFILE= in the systemd unit, ulimit -n), or lower limits.sessions");
}

void Announce(const config::Config& config, const server::Server& server, server::Log& log) {
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    log.Info("listening: " + config.listeners[i].name + " on " + server.addresses()[i].Text());
  }
  for (const io::Address& address : server.autoconfig_addresses())
    log.Info("listening: autoconfig on " + address.Text());
  if (server.admin_port() != 0)
    log.Info("admin endpoint on port " + std::to_string(server.admin_port()));
  log.Info("ready: " + std::to_string(server.workers()) + " workers, io_uring " +
           server.kernel_features());
}

}  // namespace

int RunServe(const ServeOptions& options, std::ostream& err) {
  const io::SystemClock clock;
  CertificateCheck certificates;
  config::LoadResult loaded =
      config::Load(options.config_path, certificates, clock.UnixMicros() / 1'000'000);
  if (!loaded.problems.empty())
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
  if (!loaded.ok()) return 1;
  const config::Config& config = loaded.config;

  BlockSignals();
  const uint64_t descriptors = RaiseDescriptorLimit();
  auto log = server::Log::Open(config.log, clock);
  if (!log) return Fail(err, log.error());
  auto settings = server::BuildSettings(config);
  if (!settings) return Fail(err, settings.error());
  auto server = server::Server::Start(config, std::move(*settings), **log, clock, BuildFacts());
  if (!server) return Fail(err, server.error());
  WarnOfDescriptors(config, descriptors, **log);
  Announce(config, **server, **log);
  const config::Duration drain_timeout = config.drain_timeout;
  server::Reloader reloader(std::move(loaded), {**server, **log, clock, certificates});
  return RunUntilStopped(**server, **log, drain_timeout,
                         [&reloader] { (void)reloader.Reload("SIGHUP"); });
}

}  // namespace poplar::cli
