#include "proxy/cli/demo_command.h"

#include <fmt/format.h>
#include <signal.h>

#include <string>

#include "balancer/canonical_user.h"
#include "proxy/cli/demo_nodes.h"
#include "proxy/cli/fail.h"
#include "proxy/cli/process.h"
#include "proxy/cli/version.h"
#include "proxy/demo/demo_mail.h"
#include "proxy/server/build_settings.h"
#include "proxy/server/choose_engine.h"
#include "proxy/tls/throwaway_certificate.h"

namespace poplar::cli {
namespace {

constexpr int kNodes = 3;

config::IoEngine EngineOf(const DemoOptions& options) {
  for (const auto& [engine, name] : config::kIoEngineNames) {
    if (name == options.io) return engine;
  }
  return config::IoEngine::kAuto;
}

config::Config DemoConfig(const DemoOptions& options, const DemoNodes& nodes) {
  config::Config config;
  config.listeners.push_back(
      {.name = "pop3s", .address = "127.0.0.1:" + std::to_string(options.port)});
  config::ClusterConfig cluster{.name = "demo", .shared_storage = true};
  for (size_t i = 0; i < nodes.addresses().size(); ++i) {
    cluster.nodes.push_back(
        {.name = "node" + std::to_string(i + 1), .address = nodes.addresses()[i].Text()});
  }
  config.clusters.push_back(std::move(cluster));
  config.io = EngineOf(options);
  config.admin.address = "127.0.0.1:" + std::to_string(options.admin_port);
  config.drain = {.idle_grace = config::Duration(0), .timeout = config::Duration(0)};
  return config;
}

void PrintTable(const session::Settings& settings, std::ostream& out) {
  out << "\nUsers and their nodes (weighted rendezvous hashing):\n\n";
  const balancer::ClusterId cluster = settings.listeners.front().cluster;
  for (const demo::DemoUser& user : demo::DemoUsers()) {
    const auto canonical = balancer::CanonicalUser::FromLogin(user.name, settings.canonical);
    const balancer::NodeId node = settings.nodes->Choose(cluster, *canonical).front();
    const auto endpoint = settings.NodeOf(node).endpoint();
    out << fmt::format("  {:<22} password {:<12} -> {} ({})\n", user.name, user.password,
                       endpoint->name, endpoint->address.Text());
  }
}

void PrintHints(const server::Server& server, std::ostream& out) {
  const demo::DemoUser& user = demo::DemoUsers().front();
  const uint16_t port = server.addresses().front().port();
  out << fmt::format(
      "\nTry it:\n\n"
      "  # list the messages, then read the first\n"
      "  curl -k --user '{0}:{1}' pop3s://127.0.0.1:{2}/\n"
      "  curl -k --user '{0}:{1}' pop3s://127.0.0.1:{2}/1\n\n"
      "  # speak POP3 yourself: USER {0}, PASS {1}, STAT, LIST, RETR 1, QUIT\n"
      "  openssl s_client -quiet -crlf -connect 127.0.0.1:{2}\n\n"
      "  # watch it in a browser\n"
      "  http://127.0.0.1:{3}/\n\n"
      "  # what Prometheus would see\n"
      "  curl http://127.0.0.1:{3}/metrics\n\n"
      "Ctrl-C ends the demo.\n",
      user.name, user.password, port, server.admin_port());
}

int RunNode(const DemoOptions& options, std::ostream& out, std::ostream& err) {
  const auto address = io::Address::ParseWithPort(options.node);
  if (!address) {
    return Fail(err, "--node " + options.node +
                         " is no IP address with a port; write it as 10.1.2.3:10110 or, IPv6, as "
                         "[2001:db8::1]:10110");
  }
  auto nodes = DemoNodes::StartAt({&*address, 1}, server::WishOf(EngineOf(options)));
  if (!nodes) return Fail(err, nodes.error());
  out << "Demo mail node: POP3 in the clear on " << (*nodes)->addresses().front().Text()
      << ", mail in memory; deletes last until it ends.\n";
  out.flush();
  int signal = 0;
  while (signal == 0 || signal == SIGHUP) signal = WaitForSignal(std::chrono::hours(1));
  return 0;
}

}  // namespace

int RunDemo(const DemoOptions& options, std::ostream& out, std::ostream& err) {
  BlockSignals();
  if (!options.node.empty()) return RunNode(options, out, err);
  RaiseDescriptorLimit();
  const io::SystemClock clock;
  auto nodes = DemoNodes::Start(kNodes, server::WishOf(EngineOf(options)));
  if (!nodes) return Fail(err, nodes.error());
  const config::Config config = DemoConfig(options, **nodes);
  auto tls = tls::ServerContext::Create(
      {.certificates_in_memory = {tls::MakeThrowawayCertificate(clock.UnixMicros() / 1'000'000)}});
  if (!tls) return Fail(err, tls.error());
  auto settings = server::BuildSettings(config, std::move(*tls));
  if (!settings) return Fail(err, settings.error());
  auto log = server::Log::Open(config.log, clock);
  if (!log) return Fail(err, log.error());
  auto server = server::Server::Start(config, *settings, **log, clock, BuildFacts());
  if (!server) return Fail(err, server.error());

  out << "Poplar demo: POP3 over TLS on 127.0.0.1:" << (*server)->addresses().front().port() << ", "
      << kNodes << " mail nodes in memory, a certificate made up for the occasion.\n";
  PrintTable(**settings, out);
  PrintHints(**server, out);
  out.flush();
  const server::Systemd manager(clock);
  return Process({.server = **server,
                  .log = **log,
                  .clock = clock,
                  .manager = manager,
                  .drain = [&config] { return config.drain; }})
      .Run();
}

}  // namespace poplar::cli
