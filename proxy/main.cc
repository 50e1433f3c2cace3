#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "proxy/cli/certificate_check.h"
#include "proxy/cli/check_command.h"
#include "proxy/cli/config_command.h"
#include "proxy/cli/demo_command.h"
#include "proxy/cli/serve_command.h"
#include "proxy/cli/version.h"
#include "proxy/io/system_clock.h"

namespace {

constexpr char kDefaultConfig[] = "/etc/poplar/poplar.yaml";

int Run(int argc, char** argv) {
  namespace cli = poplar::cli;
  CLI::App app("Poplar: a POP3 proxy and load balancer", "poplar");
  app.require_subcommand(0, 1);
  app.footer("Start with 'poplar demo'. The reference of the configuration: 'poplar config'.");
  bool version = false;
  app.add_flag("--version", version,
               "Print the version, how it was built, and what io_uring offers here");

  std::string path = kDefaultConfig;
  CLI::App* serve =
      app.add_subcommand("serve", "Run the proxy until SIGTERM; a second SIGTERM ends at once");
  serve->add_option("-c,--config", path, "The configuration file")->capture_default_str();
  CLI::App* check =
      app.add_subcommand("check", "Report every mistake in a configuration file; exit 0 or 1");
  check->add_option("-c,--config", path, "The configuration file")->capture_default_str();
  CLI::App* config =
      app.add_subcommand("config", "Print the default configuration as commented YAML");
  cli::DemoOptions demo_options;
  CLI::App* demo = app.add_subcommand(
      "demo", "Run the proxy with three embedded mail nodes on loopback; needs nothing");
  demo->add_option("--port", demo_options.port, "The proxy's port; 0: any free one")
      ->capture_default_str();
  demo->add_option("--admin-port", demo_options.admin_port,
                   "The admin endpoint's port; 0: any free one")
      ->capture_default_str();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // 2 for a wrong command line, as shells and scripts expect.
    return app.exit(error) == 0 ? 0 : 2;
  }
  const auto color = poplar::config::ColorFor(STDERR_FILENO);
  if (version) {
    cli::PrintVersion(std::cout);
    return 0;
  }
  if (*serve) return cli::RunServe({path, color}, std::cerr);
  if (*check) {
    cli::CertificateCheck certificates;
    const int64_t now = poplar::io::SystemClock().UnixMicros() / 1'000'000;
    return cli::RunCheck({path, color, &certificates, now}, std::cout, std::cerr);
  }
  if (*config) return cli::RunConfig(std::cout);
  if (*demo) return cli::RunDemo(demo_options, std::cout, std::cerr);
  std::cout << app.help();
  return 2;
}

}  // namespace

int main(int argc, char** argv) { return Run(argc, argv); }
