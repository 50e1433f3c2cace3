#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "proxy/cli/certificate_check.h"
#include "proxy/cli/check_command.h"
#include "proxy/cli/config_command.h"
#include "proxy/cli/demo_command.h"
#include "proxy/cli/map_command.h"
#include "proxy/cli/move_command.h"
#include "proxy/cli/name_check.h"
#include "proxy/cli/route_command.h"
#include "proxy/cli/serve_command.h"
#include "proxy/cli/version.h"
#include "proxy/io/system_clock.h"

namespace {

namespace cli = poplar::cli;

constexpr char kDefaultConfig[] = "/etc/poplar/poplar.yaml";

// What the command line may say, and what it said.
struct CommandLine {
  CommandLine();

  CLI::App app{"Poplar: a POP3 proxy and load balancer", "poplar"};
  CLI::App* serve;
  CLI::App* check;
  CLI::App* config;
  CLI::App* route;
  CLI::App* move;
  CLI::App* moves;
  CLI::App* map_build;
  CLI::App* map_get;
  CLI::App* map_check;
  CLI::App* demo;

  bool version = false;
  std::string path = kDefaultConfig;
  cli::RouteOptions route_options;
  std::string route_format = "text";
  bool route_json = false;
  cli::MoveOptions move_options;
  cli::MapBuildOptions map_options;
  std::string map_file;
  std::vector<std::string> map_users;
  cli::DemoOptions demo_options;

 private:
  CLI::App* AddCommandWithConfig(const char* name, const char* description);
  void AddRoute();
  void AddMoves();
  void AddMap();
  void AddDemo();
};

CommandLine::CommandLine() {
  app.require_subcommand(0, 1);
  app.footer("Start with 'poplar demo'. The reference of the configuration: 'poplar config'.");
  app.add_flag("--version", version,
               "Print the version, how it was built, and what io_uring offers here");
  serve =
      AddCommandWithConfig("serve", "Run the proxy until SIGTERM; a second SIGTERM ends at once");
  check =
      AddCommandWithConfig("check", "Report every mistake in a configuration file; exit 0 or 1");
  config = app.add_subcommand("config", "Print the default configuration as commented YAML");
  AddRoute();
  AddMoves();
  AddMap();
  AddDemo();
}

CLI::App* CommandLine::AddCommandWithConfig(const char* name, const char* description) {
  CLI::App* command = app.add_subcommand(name, description);
  command->add_option("-c,--config", path, "The configuration file")->capture_default_str();
  return command;
}

void CommandLine::AddRoute() {
  route = AddCommandWithConfig("route", "Print which nodes serve a user, in which order, and why");
  route
      ->add_option("USER", route_options.users,
                   "Login names as clients type them; user_names says what becomes of them")
      ->required();
  route->add_option("--cluster", route_options.cluster,
                    "Look at this cluster, whatever the routes say");
  route->add_option("--listener", route_options.listener,
                    "The listener that they log in at; left out, the first");
  route->add_option("--server-name", route_options.server_name,
                    "The host name that they connect by, as TLS tells it (SNI)");
  route->add_option("--format", route_format, "json: an array with an object for each user")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  route->add_flag("--json", route_json, "The same as --format json");
  route->footer(
      "The order follows from the names of the user and the nodes, the weights and the states in\n"
      "the file alone: it is the same on every Poplar, and needs none that runs. If one answers "
      "at\n"
      "admin.address, its nodes' states are shown beside it, and its moves count. A node's score "
      "is weight / -log2(u), where u in (0, "
      "1)\n"
      "is a hash of the two names; the highest is the user's home. With affinity: user the logins\n"
      "of a user who has a session already follow it, whatever the order says.\n"
      "Exit 0; 1 with errors in the file, for an unknown cluster, or for what cannot be a user.");
}

void CommandLine::AddMoves() {
  move = AddCommandWithConfig("move", "Say how many of a move's users are moved, while all runs");
  move->add_option("NAME", move_options.name, "The move's name in the configuration")->required();
  move->add_option("PERCENT", move_options.percent, "From 0 to 100, such as 30 or 2.5")->required();
  move->footer(
      "Tells the Poplar that runs with this configuration, on this machine, by its admin "
      "endpoint.\n"
      "Sessions that are now in the wrong cluster end at their next command boundary; logins wait\n"
      "for that. Change percent in the file too, or the next start undoes it.\n"
      "Exit 0; 1 with errors in the file, for an unknown move, or where nobody answers.");
  moves = AddCommandWithConfig("moves", "Print how all moves stand in the running Poplar");
}

void CommandLine::AddMap() {
  CLI::App* map = app.add_subcommand("map", "Make, question and check files of where users are");
  map->require_subcommand(1);
  map_build = map->add_subcommand("build", "Make a user map of text");
  map_build->add_option("SOURCE", map_options.source, "The text; -: standard input")->required();
  map_build->add_option("FILE", map_options.output, "The user map; it is replaced as a whole")
      ->required();
  map_build->add_flag("--keep-case", map_options.keep_case,
                      "Anna and anna are two users (as with user_names.case: keep)");
  map_build->footer(
      "A line of the text is USER PLACE [LOGIN]; # begins a comment. USER is a canonical name, as\n"
      "`poplar route` prints it, or @domain for all of a domain who have no line of their own.\n"
      "PLACE is a cluster, or cluster/node. LOGIN is the user's name there; without it, what the\n"
      "client typed. A route with user_map: FILE uses it; a running Poplar reads it anew.\n"
      "Exit 0; 1 with mistakes in the text, each reported with its line, and the file untouched.");
  map_get = map->add_subcommand("get", "Print where a user map says that users are");
  map_get->add_option("FILE", map_file, "The user map")->required();
  map_get->add_option("USER", map_users, "Canonical names")->required();
  map_check = map->add_subcommand("check", "Read a user map whole; print its users by place");
  map_check->add_option("FILE", map_file, "The user map")->required();
}

void CommandLine::AddDemo() {
  demo = app.add_subcommand(
      "demo", "Run the proxy with three embedded mail nodes on loopback; needs nothing");
  demo->add_option("--port", demo_options.port, "The proxy's port; 0: any free one")
      ->capture_default_str();
  demo->add_option("--admin-port", demo_options.admin_port,
                   "The admin endpoint's port; 0: any free one")
      ->capture_default_str();
}

int Run(int argc, char** argv) {
  CommandLine line;
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // 2 for a wrong command line, as shells and scripts expect.
    return line.app.exit(error) == 0 ? 0 : 2;
  }
  const auto color = poplar::config::ColorFor(STDERR_FILENO);
  if (line.version) {
    cli::PrintVersion(std::cout);
    return 0;
  }
  if (*line.serve) return cli::RunServe({line.path, color}, std::cerr);
  if (*line.check) {
    cli::CertificateCheck certificates;
    const int64_t now = poplar::io::SystemClock().UnixMicros() / 1'000'000;
    cli::NameCheck names;
    return cli::RunCheck({line.path, color, &certificates, &names, now}, std::cout, std::cerr);
  }
  if (*line.config) return cli::RunConfig(std::cout);
  if (*line.route) {
    line.route_options.config_path = line.path;
    line.route_options.color = color;
    if (line.route_json || line.route_format == "json")
      line.route_options.format = cli::RouteFormat::kJson;
    return cli::RunRoute(line.route_options, std::cout, std::cerr);
  }
  if (*line.move || *line.moves) {
    line.move_options.config_path = line.path;
    line.move_options.color = color;
    return *line.move ? cli::RunMove(line.move_options, std::cout, std::cerr)
                      : cli::RunMoves(line.move_options, std::cout, std::cerr);
  }
  if (*line.map_build) return cli::RunMapBuild(line.map_options, std::cin, std::cout, std::cerr);
  if (*line.map_get) return cli::RunMapGet(line.map_file, line.map_users, std::cout, std::cerr);
  if (*line.map_check) return cli::RunMapCheck(line.map_file, std::cout, std::cerr);
  if (*line.demo) return cli::RunDemo(line.demo_options, std::cout, std::cerr);
  std::cout << line.app.help();
  return 2;
}

}  // namespace

int main(int argc, char** argv) { return Run(argc, argv); }
