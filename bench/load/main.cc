#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "bench/load/idle_mode.h"
#include "bench/load/logins_mode.h"
#include "bench/load/nodes_mode.h"
#include "proxy/io/system_clock.h"
#include "proxy/tls/throwaway_certificate.h"

namespace poplar::bench {
namespace {

struct TargetOptions {
  std::string address;
  bool plain = false;

  void AddTo(CLI::App& app) {
    app.add_option("--target", address, "address:port of a POP3S server")->required();
    app.add_flag("--plain", plain, "speak POP3 without TLS");
  }

  bool Resolve(Target& target) const {
    const auto parsed = io::Address::ParseWithPort(address);
    if (!parsed) {
      std::fprintf(stderr, "poplar_load: --target %s: expected an IP address and a port\n",
                   address.c_str());
      return false;
    }
    target.address = *parsed;
    if (plain) return true;
    // The certificate is none of our business: what is measured is the server.
    tls::ClientSettings settings;
    settings.verify = tls::ClientSettings::Verify::kInsecure;
    auto context = tls::ClientContext::Create(settings);
    if (!context) {
      std::fprintf(stderr, "poplar_load: %s\n", context.error().c_str());
      return false;
    }
    target.tls = *context;
    return true;
  }
};

// The limit that counts is the hard one; the soft one is often 1024.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// DIRECTORY/certificate.pem and DIRECTORY/key.pem, for the proxy under load.
int WriteCertificate(const std::string& directory) {
  const tls::CertificatePem pem =
      tls::MakeThrowawayCertificate(io::SystemClock().UnixMicros() / 1'000'000);
  const bool written = (std::ofstream(directory + "/certificate.pem") << pem.certificate).good() &&
                       (std::ofstream(directory + "/key.pem") << pem.key).good();
  if (!written || pem.key.empty()) {
    std::fprintf(stderr, "poplar_load: no certificate in %s\n", directory.c_str());
    return 1;
  }
  return 0;
}

io::Duration FromSeconds(double seconds) {
  return std::chrono::duration_cast<io::Duration>(std::chrono::duration<double>(seconds));
}

void AddSeconds(CLI::App& app, const std::string& name, io::Duration& into,
                const std::string& help) {
  app.add_option_function<double>(
         name, [&into](const double& seconds) { into = FromSeconds(seconds); }, help)
      ->check(CLI::NonNegativeNumber)
      ->default_str((std::ostringstream() << io::Seconds(into)).str());
}

// How slowly the nodes answer; without any of it, at once.
void AddService(CLI::App& app, NodesSettings& nodes) {
  demo::ServiceSettings& service = nodes.service;
  AddSeconds(app, "--service-time", service.time, "seconds that a message takes, on average");
  app.add_option("--service-spread", service.spread,
                 "sigma of the logarithm of these times, which are log-normal")
      ->check(CLI::Range(0.0, 5.0))
      ->capture_default_str();
  app.add_option("--at-once", service.at_once,
                 "messages that a node serves side by side, others queue; 0: all")
      ->capture_default_str();
  AddSeconds(app, "--stall-every", service.stall_every,
             "seconds from one stall's end to the next one's begin, on average: a node that stalls "
             "answers nobody; 0: none");
  AddSeconds(app, "--stall-shortest", service.stall_shortest, "seconds");
  AddSeconds(app, "--stall-longest", service.stall_longest, "seconds");
  app.add_option("--seed", nodes.seed, "of what is random in it")->capture_default_str();
}

int Main(int argc, char** argv) {
  CLI::App app("Load for POP3 servers and proxies");
  app.require_subcommand(1);

  NodesSettings nodes;
  CLI::App* nodes_app = app.add_subcommand("nodes", "serve in-memory mail nodes");
  nodes_app->add_option("--host", nodes.host, "address to listen on")->capture_default_str();
  nodes_app->add_option("--port", nodes.first_port, "of the first node; 0: free ones")
      ->capture_default_str();
  nodes_app->add_option("--nodes", nodes.nodes, "how many")->capture_default_str();
  nodes_app->add_option("--users", nodes.users)->capture_default_str();
  nodes_app->add_option("--messages", nodes.messages, "of each user")->capture_default_str();
  nodes_app->add_option("--message-bytes", nodes.message_bytes)->capture_default_str();
  nodes_app->add_flag("--tls", nodes.tls, "implicit TLS with a throw-away certificate");
  AddService(*nodes_app, nodes);

  IdleSettings idle;
  TargetOptions idle_target;
  double hold = 15;
  CLI::App* idle_app = app.add_subcommand("idle", "hold logged-in sessions idle, all at once");
  idle_target.AddTo(*idle_app);
  idle_app->add_option("--sessions", idle.sessions)->capture_default_str();
  idle_app->add_option("--users", idle.users)->capture_default_str();
  idle_app->add_option("--opening-at-once", idle.opening_at_once)->capture_default_str();
  idle_app->add_option("--hold", hold, "seconds")->capture_default_str();
  idle_app->add_option("--pid", idle.processes, "whose memory is measured; may be repeated");

  LoginsSettings logins;
  TargetOptions logins_target;
  double warm_up = 2;
  double duration = 10;
  CLI::App* logins_app = app.add_subcommand("logins", "connect, log in, STAT, RETR 1, QUIT");
  logins_target.AddTo(*logins_app);
  logins_app->add_option("--connections", logins.connections, "at once")->capture_default_str();
  logins_app->add_option("--users", logins.users)->capture_default_str();
  logins_app->add_option("--warm-up", warm_up, "seconds")->capture_default_str();
  logins_app->add_option("--duration", duration, "seconds")->capture_default_str();

  std::string directory;
  CLI::App* certificate_app = app.add_subcommand("certificate", "write a throw-away certificate");
  certificate_app->add_option("directory", directory)->required();

  CLI11_PARSE(app, argc, argv);
  RaiseDescriptorLimit();
  if (nodes_app->parsed()) {
    if (nodes.service.stall_longest < nodes.service.stall_shortest) {
      std::fprintf(stderr,
                   "poplar_load: --stall-longest: must not be less than --stall-shortest\n");
      return 2;
    }
    return RunNodes(nodes);
  }
  if (certificate_app->parsed()) return WriteCertificate(directory);
  if (idle_app->parsed()) {
    idle.hold = FromSeconds(hold);
    return idle_target.Resolve(idle.target) ? RunIdle(idle) : 2;
  }
  logins.warm_up = FromSeconds(warm_up);
  logins.duration = FromSeconds(duration);
  return logins_target.Resolve(logins.target) ? RunLogins(logins) : 2;
}

}  // namespace
}  // namespace poplar::bench

int main(int argc, char** argv) { return poplar::bench::Main(argc, argv); }
