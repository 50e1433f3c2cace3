#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <optional>
#include <string>

#include "proxy/cli/autoconfig_command.h"
#include "proxy/cli/certificate_check.h"
#include "proxy/cli/check_command.h"
#include "proxy/cli/config_command.h"
#include "proxy/cli/demo_command.h"
#include "proxy/cli/map_command.h"
#include "proxy/cli/move_command.h"
#include "proxy/cli/name_check.h"
#include "proxy/cli/node_command.h"
#include "proxy/cli/probe_command.h"
#include "proxy/cli/route_command.h"
#include "proxy/cli/serve_command.h"
#include "proxy/cli/sessions_command.h"
#include "proxy/cli/top_command.h"
#include "proxy/cli/trace_command.h"
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
  CLI::App* status;
  CLI::App* drain;
  CLI::App* undrain;
  CLI::App* top;
  CLI::App* sessions;
  CLI::App* kick;
  CLI::App* trace;
  CLI::App* autoconfig_dns;
  CLI::App* map_build;
  CLI::App* map_get;
  CLI::App* map_check;
  CLI::App* probe;
  CLI::App* demo;

  bool version = false;
  std::string path = kDefaultConfig;
  cli::RouteOptions route_options;
  std::string route_format = "text";
  bool route_json = false;
  cli::MoveOptions move_options;
  cli::NodeOptions node_options;
  bool drop = false;
  cli::TopOptions top_options;
  cli::SessionsOptions sessions_options;
  std::string sessions_format = "text";
  cli::KickOptions kick_options;
  cli::TraceOptions trace_options;
  cli::MapBuildOptions map_options;
  std::string map_file;
  std::vector<std::string> map_users;
  cli::ProbeCommand probe_command;
  cli::DemoOptions demo_options;

 private:
  CLI::App* AddCommandWithConfig(const char* name, const char* description);
  void AddRoute();
  void AddMoves();
  void AddNodes();
  void AddTop();
  void AddSessions();
  void AddTrace();
  void AddAutoconfig();
  void AddMap();
  void AddProbe();
  void AddProbeWays();
  void AddProbeLimits();
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
  AddNodes();
  AddTop();
  AddSessions();
  AddTrace();
  AddAutoconfig();
  AddMap();
  AddProbe();
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

void CommandLine::AddNodes() {
  status = AddCommandWithConfig("status", "Print how the running Poplar and its nodes are");
  status->footer(
      "Exit 0 where new clients are served and each cluster has a node in service; 1 where not, "
      "or\n"
      "where nobody answers.");
  drain = AddCommandWithConfig("drain", "Take a node out for maintenance, while all runs");
  undrain = AddCommandWithConfig("undrain", "Let a drained node serve again");
  for (CLI::App* command : {drain, undrain}) {
    command
        ->add_option("NODE", node_options.node, "CLUSTER/NODE, or NODE where only one is called so")
        ->required();
  }
  drain->add_flag("--drop", drop, "Drop its sessions, too");
  drain->footer(
      "Tells the Poplar that runs with this configuration, on this machine, by its admin "
      "endpoint.\n"
      "A drained node gets no new users; its sessions go on. With replicas, tell each of them.\n"
      "Exit 0; 1 with errors in the file, for an unknown node, or where nobody answers.");
}

void CommandLine::AddTop() {
  top = AddCommandWithConfig("top", "Watch the running Poplar: its rates, nodes and sessions");
  top->add_option("--interval", top_options.interval, "Between two looks")->capture_default_str();
  top->add_flag("--once", top_options.once, "One picture, as plain text; as without a terminal");
  top->footer(
      "Rates and quantiles are of the last interval; bytes count once their session has ended.\n"
      "Nodes out of service are red, unless NO_COLOR is set. q or Ctrl-C ends it.\n"
      "Exit 0; 1 with errors in the file, or where nobody answers at first.");
}

void CommandLine::AddSessions() {
  sessions = AddCommandWithConfig("sessions", "Print the sessions of the running Poplar");
  auto& query = sessions_options.query;
  sessions->add_option("--user", query.user, "Of this user, by a name that it logs in by");
  sessions->add_option("--node", query.node, "At this node: NODE or CLUSTER/NODE");
  sessions->add_option("--client", query.client, "Of clients at this IP address");
  sessions->add_option("--limit", query.limit, "Most that are printed, the oldest first")
      ->check(CLI::Range(size_t{1}, poplar::metrics::kSessionsShownMax))
      ->capture_default_str();
  sessions->add_option("--format", sessions_format, "json: as GET /api/v1/sessions answers")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  sessions->footer(
      "STATE is handshake, authorizing (before a login), logging_in, idle, relaying or ending;\n"
      "IDLE is since the client's last sign of life.\n"
      "Exit 0; 1 with errors in the file, or where nobody answers.");
  kick = AddCommandWithConfig("kick", "End sessions of the running Poplar");
  auto* user = kick->add_option("--user", kick_options.query.user,
                                "All of this user's, parked connections to nodes too");
  auto* session = kick->add_option("--session", kick_options.query.session, "This one, by its id")
                      ->excludes(user);
  kick->add_flag("--now", kick_options.query.now, "In the middle of whatever they are doing");
  kick->callback([user, session] {
    if (user->empty() && session->empty()) throw CLI::RequiredError("one of --user and --session");
  });
  kick->footer(
      "Each ends at its next command boundary with -ERR [SYS/TEMP], as in a drain: a message "
      "under\n"
      "way is finished. Nothing keeps the client from coming back. `poplar sessions` has the ids.\n"
      "Exit 0, also where the user has none; 1 with errors in the file, for an unknown session, "
      "or\n"
      "where nobody answers.");
}

void CommandLine::AddTrace() {
  trace = AddCommandWithConfig("trace", "Write down what sessions say, without their secrets");
  auto& query = trace_options.query;
  trace->add_option("--user", query.user, "Sessions of this user, by a name that it logs in by");
  trace->add_option("--client", query.client, "... of clients at this IP address or network");
  trace->add_option("--node", query.node, "... at this node: NODE or CLUSTER/NODE");
  trace->add_option("--for", query.duration,
                    "How long, such as 90s or 1h; left out, 10m, or trace.duration_max if that is "
                    "less");
  trace->add_flag("--list", trace_options.list, "Print which traces are on instead");
  trace->add_option("--stop", trace_options.stop, "End this one instead, by its number");
  trace->footer(
      "Prints the path of the file, in trace.directory, on the running Poplar's machine. Sessions\n"
      "are in it that log in from now on, with both of their dialogues: the client's and the\n"
      "node's. Of an address they are whole; of a user or a node they begin with the login.\n"
      "Passwords, tokens and all of SASL are ***, of messages the size is told.\n"
      "  poplar trace --user anna@example.org --for 15m\n"
      "Exit 0; 1 with errors in the file, where nobody answers or Poplar says no; 2 for options "
      "that\n"
      "make no sense together.");
}

void CommandLine::AddAutoconfig() {
  CLI::App* autoconfig =
      app.add_subcommand("autoconfig", "What mail clients need that set themselves up");
  autoconfig->require_subcommand(1);
  autoconfig_dns = autoconfig->add_subcommand("dns", "Print the DNS records for it");
  autoconfig_dns->add_option("-c,--config", path, "The configuration file")->capture_default_str();
  autoconfig_dns->footer(
      "For each of autoconfig.domains: SRV records of the services (RFC 6186), and the names at\n"
      "which clients ask for the rest, all pointing to autoconfig.server. Lines of a zone file; "
      "add\n"
      "what you want of them. The TXT record goes with the configuration: print it anew after a "
      "change.\n"
      "Exit 0; 1 with errors in the file, or where it doesn't say which domains there are.");
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

void CommandLine::AddProbe() {
  probe = app.add_subcommand("probe", "Try a mail account step by step, and say what is wrong");
  probe->add_option("HOST", probe_command.target,
                    "HOST or HOST:PORT. Without a port a domain's SRV record says where its mail "
                    "server is; else 995, or 110 with --stls or --plain");
  probe->add_option("-u,--user", probe_command.user, "The account's login name")->required();
  auto* password = probe->add_option("--password-file", probe_command.password_file,
                                     "Its password: the first line of this file; -: standard "
                                     "input. Left out, it is asked for at the terminal");
  probe
      ->add_option("--token-file", probe_command.token_file,
                   "An OAuth access token instead, likewise")
      ->excludes(password);
  probe->add_flag("--xoauth2", probe_command.xoauth2,
                  "Send the token by XOAUTH2 where the server has OAUTHBEARER too");
  AddProbeWays();
  AddProbeLimits();
  probe->footer(
      "Resolves the name, connects, speaks TLS, looks at the certificate, logs in, and reads: "
      "STAT,\n"
      "LIST, UIDL and one message. It deletes nothing; as with every client the server may mark "
      "the\n"
      "message as read (--message none leaves it alone). Each step is timed, and a failed one is\n"
      "explained. Works with any POP3 server.\n"
      "  poplar probe example.org -u anna@example.org\n"
      "  poplar probe --via mail.example.org --direct node1:110 --direct-plain -u anna\n"
      "Exit 0: OK; 1: WARNING, such as a certificate that expires soon; 2: CRITICAL; 3: UNKNOWN, "
      "it\n"
      "couldn't be tried.");
}

void CommandLine::AddProbeWays() {
  auto* stls = probe->add_flag("--stls", probe_command.stls, "Begin TLS with STLS (port 110)");
  probe
      ->add_flag("--plain", probe_command.plain,
                 "No TLS: everybody on the way can read the password")
      ->excludes(stls);
  probe->add_option("--ca", probe_command.ca_file,
                    "PEM file of the authorities to trust; left out, the system's");
  probe->add_option("--server-name", probe_command.server_name,
                    "The name that the certificate must bear; left out, HOST's");
  probe->add_flag("--insecure", probe_command.insecure,
                  "Go on whatever the certificate is; says what is wrong and ends as WARNING");
  probe->add_option("--via", probe_command.via,
                    "With --direct: the same account through Poplar, at HOST[:PORT] ...");
  probe->add_option("--direct", probe_command.direct, "... and at the node itself, side by side");
  auto* direct_tls = probe->add_flag("--direct-tls", probe_command.direct_tls,
                                     "The node speaks TLS, whatever --via does");
  auto* direct_stls =
      probe->add_flag("--direct-stls", probe_command.direct_stls, "... STLS")->excludes(direct_tls);
  probe->add_flag("--direct-plain", probe_command.direct_plain, "... neither")
      ->excludes(direct_tls)
      ->excludes(direct_stls);
  probe->add_option("--direct-ca", probe_command.direct_ca_file, "--ca of the node");
  probe->add_option("--direct-server-name", probe_command.direct_server_name,
                    "--server-name of the node");
}

void CommandLine::AddProbeLimits() {
  probe->add_option("--message", probe_command.message, "Which message to read")
      ->check(CLI::IsMember({"smallest", "newest", "none"}))
      ->capture_default_str();
  probe->add_option("--message-bytes", probe_command.message_bytes, "... and how large at most")
      ->capture_default_str();
  probe->add_option("--timeout", probe_command.timeout, "Of the whole")->capture_default_str();
  probe->add_option("--warning", probe_command.warning, "WARNING if it takes longer than this")
      ->capture_default_str();
  probe->add_option("--critical", probe_command.critical, "CRITICAL if it takes longer than this");
  probe
      ->add_option("--certificate-days", probe_command.certificate_days,
                   "WARNING if the certificate is good for less")
      ->capture_default_str();
  probe->add_option("--name-server", probe_command.name_server,
                    "ADDRESS[:PORT] to ask instead of the system's");
  auto* json = probe->add_flag("--json", probe_command.json, "One JSON object");
  probe
      ->add_flag("--nagios", probe_command.nagios,
                 "One line with performance data, for Nagios and Icinga")
      ->excludes(json);
  probe->add_flag("--ascii", probe_command.ascii, "No ticks and crosses");
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

// What asks or tells the Poplar that runs with the configuration; nothing: it is another command.
std::optional<int> RunOnRunning(CommandLine& line, poplar::config::Color color) {
  if (*line.move || *line.moves) {
    line.move_options.config_path = line.path;
    line.move_options.color = color;
    return *line.move ? cli::RunMove(line.move_options, std::cout, std::cerr)
                      : cli::RunMoves(line.move_options, std::cout, std::cerr);
  }
  if (*line.status || *line.drain || *line.undrain) {
    using poplar::metrics::AdminState;
    line.node_options.config_path = line.path;
    line.node_options.color = color;
    line.node_options.state = *line.undrain ? AdminState::kUp
                              : line.drop   ? AdminState::kDown
                                            : AdminState::kDrain;
    return *line.status ? cli::RunStatus(line.node_options, std::cout, std::cerr)
                        : cli::RunSetNode(line.node_options, std::cout, std::cerr);
  }
  if (*line.top) {
    line.top_options.config_path = line.path;
    line.top_options.color = poplar::config::ColorFor(STDOUT_FILENO);
    line.top_options.err_color = color;
    return cli::RunTop(line.top_options, std::cout, std::cerr);
  }
  if (*line.sessions) {
    line.sessions_options.config_path = line.path;
    line.sessions_options.color = color;
    if (line.sessions_format == "json") line.sessions_options.format = cli::SessionsFormat::kJson;
    return cli::RunSessions(line.sessions_options, std::cout, std::cerr);
  }
  if (*line.kick) {
    line.kick_options.config_path = line.path;
    line.kick_options.color = color;
    return cli::RunKick(line.kick_options, std::cout, std::cerr);
  }
  if (*line.trace) {
    line.trace_options.config_path = line.path;
    line.trace_options.color = color;
    return cli::RunTrace(line.trace_options, std::cout, std::cerr);
  }
  return std::nullopt;
}

int Run(int argc, char** argv) {
  CommandLine line;
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // 2 for a wrong command line, as shells and scripts expect; to monitoring that would be
    // CRITICAL, and 3 is UNKNOWN.
    const int wrong = line.probe->parsed() ? 3 : 2;
    return line.app.exit(error) == 0 ? 0 : wrong;
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
  if (const auto status = RunOnRunning(line, color)) return *status;
  if (*line.autoconfig_dns) return cli::RunAutoconfigDns({line.path, color}, std::cout, std::cerr);
  if (*line.map_build) return cli::RunMapBuild(line.map_options, std::cin, std::cout, std::cerr);
  if (*line.map_get) return cli::RunMapGet(line.map_file, line.map_users, std::cout, std::cerr);
  if (*line.map_check) return cli::RunMapCheck(line.map_file, std::cout, std::cerr);
  if (*line.probe) return cli::RunProbe(line.probe_command, std::cout, std::cerr);
  if (*line.demo) return cli::RunDemo(line.demo_options, std::cout, std::cerr);
  std::cout << line.app.help();
  return 2;
}

}  // namespace

int main(int argc, char** argv) { return Run(argc, argv); }
