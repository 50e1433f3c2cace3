#include <iostream>
#include <memory>

#include "proxy/cli/certificate_check.h"
#include "proxy/cli/check_command.h"
#include "proxy/cli/command_line.h"
#include "proxy/cli/config_command.h"
#include "proxy/cli/demo_command.h"
#include "proxy/cli/name_check.h"
#include "proxy/cli/serve_command.h"
#include "proxy/io/system_clock.h"

namespace poplar::cli {
namespace {

void AddServe(CommandLine& line) {
  CLI::App* serve =
      line.AddWithConfig("serve", "Run the proxy until SIGTERM; a second SIGTERM ends at once");
  line.OnChosen(serve, [&line] { return RunServe({line.config_path(), line.color()}, std::cerr); });
}

void AddCheck(CommandLine& line) {
  CLI::App* check =
      line.AddWithConfig("check", "Report every mistake in a configuration file; exit 0 or 1");
  line.OnChosen(check, [&line] {
    CertificateCheck certificates;
    NameCheck names;
    const int64_t now = io::SystemClock().UnixMicros() / 1'000'000;
    return RunCheck({line.config_path(), line.color(), &certificates, &names, now}, std::cout,
                    std::cerr);
  });
}

void AddConfig(CommandLine& line) {
  CLI::App* config =
      line.app().add_subcommand("config", "Print the default configuration as commented YAML");
  line.OnChosen(config, [] { return RunConfig(std::cout); });
}

void AddDemo(CommandLine& line) {
  auto options = std::make_shared<DemoOptions>();
  CLI::App* demo = line.app().add_subcommand(
      "demo", "Run the proxy with three embedded mail nodes on loopback; needs nothing");
  demo->add_option("--port", options->port, "The proxy's port; 0: any free one")
      ->capture_default_str();
  demo->add_option("--admin-port", options->admin_port,
                   "The admin endpoint's port; 0: any free one")
      ->capture_default_str();
  demo->add_option("--io", options->io, "As io in the configuration")
      ->check(CLI::IsMember({"auto", "io_uring", "epoll"}))
      ->capture_default_str();
  demo->add_option(
          "--node", options->node,
          "Serve one of the mail nodes alone instead, in the clear, at this IP address and "
          "port: for a demo on several machines")
      ->excludes("--port")
      ->excludes("--admin-port");
  line.OnChosen(demo, [options] { return RunDemo(*options, std::cout, std::cerr); });
}

}  // namespace

void AddProcessCommands(CommandLine& line) {
  AddServe(line);
  AddCheck(line);
  AddConfig(line);
}

void AddDemoCommand(CommandLine& line) { AddDemo(line); }

}  // namespace poplar::cli
