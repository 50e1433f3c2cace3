#include "proxy/cli/serve_command.h"

#include <signal.h>
#include <unistd.h>

#include <memory>
#include <sstream>
#include <utility>

#include "proxy/cli/certificate_check.h"
#include "proxy/cli/fail.h"
#include "proxy/cli/process.h"
#include "proxy/cli/version.h"
#include "proxy/config/load.h"
#include "proxy/handover/predecessor.h"
#include "proxy/io/system_clock.h"
#include "proxy/server/build_settings.h"
#include "proxy/server/reloader.h"

namespace poplar::cli {
namespace {

// Between looks at whether all is known that a new process needs (its nodes' addresses).
constexpr config::Duration kPreparedInterval = std::chrono::milliseconds(20);

std::string ReportOf(const config::LoadResult& loaded) {
  std::ostringstream report;
  config::RenderReport(loaded.problems, loaded.source, config::Color::kNever, report);
  return "the configuration has errors:\n" + report.str();
}

// Two descriptors a session: the client's and the node's.
void WarnOfDescriptors(const config::Config& config, uint64_t descriptors, server::Log& log) {
  const auto wanted = static_cast<uint64_t>(config.limits.sessions) * 2;
  if (wanted <= descriptors) return;
  log.Warning("limits.sessions is " + std::to_string(config.limits.sessions) + ", which takes " +
              std::to_string(wanted) + " file descriptors, but the limit is " +
              std::to_string(descriptors) +
              ". Raise it (LimitNOFILE= in the systemd unit, ulimit -n), or lower limits.sessions");
}

// What this process finds from whoever started it.
struct Beginning {
  std::unique_ptr<handover::Predecessor> predecessor;  // null: there is none
  handover::Inheritance inheritance = {};
};

tl::expected<Beginning, std::string> Begin() {
  Beginning beginning{.predecessor = handover::Predecessor::FromEnvironment()};
  if (beginning.predecessor == nullptr) {
    beginning.inheritance.sockets = server::Systemd::Sockets();
    return beginning;
  }
  auto received = beginning.predecessor->Receive();
  if (!received) return tl::unexpected(received.error());
  beginning.inheritance = std::move(*received);
  return beginning;
}

using StartedServer = tl::expected<std::unique_ptr<server::Server>, std::string>;

StartedServer Prepare(const config::Config& config, handover::Inheritance inheritance,
                      server::Log& log, const io::Clock& clock) {
  auto tls = server::BuildTls(config.tls, std::move(inheritance.ticket_keys));
  if (!tls) return tl::unexpected(tls.error());
  auto settings = server::BuildSettings(config, std::move(*tls));
  if (!settings) return tl::unexpected(settings.error());
  return server::Server::Prepare(config, std::move(*settings), log, clock, BuildFacts(),
                                 std::move(inheritance.sockets));
}

// The old process goes on accepting until this one could serve.
tl::expected<void, std::string> TakeOver(server::Server& server,
                                         handover::Predecessor& predecessor) {
  while (!server.prepared() && !predecessor.left()) {
    const int signal = WaitForSignal(kPreparedInterval);
    if (signal == SIGTERM || signal == SIGINT)
      return tl::unexpected(std::string("told to stop before it was ready"));
  }
  const auto memories = predecessor.TakeOver();
  if (!memories) return tl::unexpected(memories.error());
  server.Recall(*memories);
  return {};
}

tl::expected<void, std::string> Serve(server::Server& server,
                                      std::unique_ptr<handover::Predecessor>& predecessor) {
  if (predecessor != nullptr) {
    if (auto taken = TakeOver(server, *predecessor); !taken) return taken;
  }
  if (auto served = server.Serve(); !served) return served;
  if (predecessor != nullptr) server.Follow(std::move(predecessor));
  return {};
}

void Announce(const config::Config& config, const server::Server& server, server::Log& log) {
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    log.Info("listening: " + config.listeners[i].name + " on " + server.addresses()[i].Text());
  }
  for (const io::Address& address : server.autoconfig_addresses())
    log.Info("listening: autoconfig on " + address.Text());
  if (server.admin_port() != 0)
    log.Info("admin endpoint on port " + std::to_string(server.admin_port()));
  log.Info("ready: " + std::to_string(server.workers()) + " workers, " + server.engine().text);
}

}  // namespace

int RunServe(const ServeOptions& options, std::ostream& err) {
  BlockSignals();
  const io::SystemClock clock;
  const handover::Program program = handover::Program::OfThisProcess();
  auto beginning = Begin();
  if (!beginning) return Fail(err, beginning.error());
  std::unique_ptr<handover::Predecessor>& predecessor = beginning->predecessor;
  const auto fail = [&](const std::string& why) {
    if (predecessor != nullptr) predecessor->Refuse(why);
    return Fail(err, why);
  };

  CertificateCheck certificates;
  config::LoadResult loaded =
      config::Load(options.config_path, certificates, clock.UnixMicros() / 1'000'000);
  if (!loaded.problems.empty())
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
  if (!loaded.ok()) {
    if (predecessor != nullptr) predecessor->Refuse(ReportOf(loaded));
    return 1;
  }
  const config::Config& config = loaded.config;
  const uint64_t descriptors = RaiseDescriptorLimit();
  auto log = server::Log::Open(config.log, clock);
  if (!log) return fail(log.error());
  const bool takes_over = predecessor != nullptr;
  server::UpgradeRequest request([] { kill(getpid(), SIGUSR2); });
  auto server = Prepare(config, std::move(beginning->inheritance), **log, clock);
  if (!server) return fail(server.error());
  (*server)->set_on_upgrade([&request] { return request.Ask(); });
  if (auto served = Serve(**server, predecessor); !served) {
    (*server)->End();
    return fail(served.error());
  }
  WarnOfDescriptors(config, descriptors, **log);
  Announce(config, **server, **log);
  const server::Systemd manager(clock);
  server::Reloader reloader(std::move(loaded), {**server, **log, clock, certificates});
  manager.Ready("serving", takes_over);
  return Process({.server = **server,
                  .log = **log,
                  .clock = clock,
                  .manager = manager,
                  .drain = [&reloader] { return reloader.drain(); },
                  .program = &program,
                  .request = &request,
                  .on_hangup = [&reloader] { reloader.ReloadSoon("SIGHUP"); },
                  .is_reloading = [&reloader] { return reloader.busy(); }})
      .Run();
}

}  // namespace poplar::cli
