#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "proxy/cli/autoconfig_command.h"
#include "proxy/cli/command_line.h"
#include "proxy/cli/map_command.h"
#include "proxy/cli/route_command.h"

namespace poplar::cli {
namespace {

void AddRoute(CommandLine& line) {
  auto options = std::make_shared<RouteOptions>();
  auto json = std::make_shared<bool>(false);
  auto format = std::make_shared<std::string>("text");
  CLI::App* route =
      line.AddWithConfig("route", "Print which nodes serve a user, in which order, and why");
  route
      ->add_option("USER", options->users,
                   "Login names as clients type them; user_names says what becomes of them")
      ->required();
  route->add_option("--cluster", options->cluster, "Look at this cluster, whatever the routes say");
  route->add_option("--listener", options->listener,
                    "The listener that they log in at; left out, the first");
  route->add_option("--server-name", options->server_name,
                    "The host name that they connect by, as TLS tells it (SNI)");
  route->add_option("--format", *format, "json: an array with an object for each user")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  route->add_flag("--json", *json, "The same as --format json");
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
  line.OnChosen(route, [&line, options, json, format] {
    options->config_path = line.config_path();
    options->color = line.color();
    if (*json || *format == "json") options->format = RouteFormat::kJson;
    return RunRoute(*options, std::cout, std::cerr);
  });
}

void AddAutoconfig(CommandLine& line) {
  CLI::App* autoconfig =
      line.app().add_subcommand("autoconfig", "What mail clients need that set themselves up");
  autoconfig->require_subcommand(1);
  CLI::App* dns = line.AddWithConfig("dns", "Print the DNS records for it", autoconfig);
  dns->footer(
      "For each of autoconfig.domains: SRV records of the services (RFC 6186), and the names at\n"
      "which clients ask for the rest, all pointing to autoconfig.server. Lines of a zone file; "
      "add\n"
      "what you want of them. The TXT record goes with the configuration: print it anew after a "
      "change.\n"
      "Exit 0; 1 with errors in the file, or where it doesn't say which domains there are.");
  line.OnChosen(dns, [&line] {
    return RunAutoconfigDns({line.config_path(), line.color()}, std::cout, std::cerr);
  });
}

void AddMapBuild(CommandLine& line, CLI::App& map) {
  auto options = std::make_shared<MapBuildOptions>();
  CLI::App* build = map.add_subcommand("build", "Make a user map of text");
  build->add_option("SOURCE", options->source, "The text; -: standard input")->required();
  build->add_option("FILE", options->output, "The user map; it is replaced as a whole")->required();
  build->add_flag("--keep-case", options->keep_case,
                  "Anna and anna are two users (as with user_names.case: keep)");
  build->footer(
      "A line of the text is USER PLACE [LOGIN]; # begins a comment. USER is a canonical name, as\n"
      "`poplar route` prints it, or @domain for all of a domain who have no line of their own.\n"
      "PLACE is a cluster, or cluster/node. LOGIN is the user's name there; without it, what the\n"
      "client typed. A route with user_map: FILE uses it; a running Poplar reads it anew.\n"
      "Exit 0; 1 with mistakes in the text, each reported with its line, and the file untouched.");
  line.OnChosen(build, [options] { return RunMapBuild(*options, std::cin, std::cout, std::cerr); });
}

void AddMap(CommandLine& line) {
  CLI::App* map =
      line.app().add_subcommand("map", "Make, question and check files of where users are");
  map->require_subcommand(1);
  AddMapBuild(line, *map);
  auto file = std::make_shared<std::string>();
  auto users = std::make_shared<std::vector<std::string>>();
  CLI::App* get = map->add_subcommand("get", "Print where a user map says that users are");
  get->add_option("FILE", *file, "The user map")->required();
  get->add_option("USER", *users, "Canonical names")->required();
  CLI::App* check = map->add_subcommand("check", "Read a user map whole; print its users by place");
  check->add_option("FILE", *file, "The user map")->required();
  line.OnChosen(get, [file, users] { return RunMapGet(*file, *users, std::cout, std::cerr); });
  line.OnChosen(check, [file] { return RunMapCheck(*file, std::cout, std::cerr); });
}

}  // namespace

void AddUserCommands(CommandLine& line) {
  AddRoute(line);
  AddAutoconfig(line);
  AddMap(line);
}

}  // namespace poplar::cli
