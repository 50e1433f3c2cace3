#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
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
  if (nodes_app->parsed()) return RunNodes(nodes);
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
