#include <unistd.h>

#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "proxy/cli/command_line.h"
#include "proxy/cli/move_command.h"
#include "proxy/cli/node_command.h"
#include "proxy/cli/reload_command.h"
#include "proxy/cli/sessions_command.h"
#include "proxy/cli/top_command.h"
#include "proxy/cli/trace_command.h"
#include "proxy/cli/upgrade_command.h"

namespace poplar::cli {
namespace {

void AddMoves(CommandLine& line) {
  auto options = std::make_shared<MoveOptions>();
  CLI::App* move =
      line.AddWithConfig("move", "Say how many of a move's users are moved, while all runs");
  move->add_option("NAME", options->name, "The move's name in the configuration")->required();
  move->add_option("PERCENT", options->percent, "From 0 to 100, such as 30 or 2.5")->required();
  move->footer(
      "Tells the Poplar that runs with this configuration, on this machine, by its admin "
      "endpoint.\n"
      "Sessions that are now in the wrong cluster end at their next command boundary; logins wait\n"
      "for that. Change percent in the file too, or the next start undoes it.\n"
      "Exit 0; 1 with errors in the file, for an unknown move, or where nobody answers.");
  line.OnChosen(move, [&line, options] {
    options->config_path = line.config_path();
    options->color = line.color();
    return RunMove(*options, std::cout, std::cerr);
  });
  CLI::App* moves = line.AddWithConfig("moves", "Print how all moves stand in the running Poplar");
  line.OnChosen(moves, [&line] {
    return RunMoves({.config_path = line.config_path(), .color = line.color()}, std::cout,
                    std::cerr);
  });
}

void AddReload(CommandLine& line) {
  CLI::App* reload = line.AddWithConfig("reload", "Let the running Poplar take its file anew");
  reload->footer(
      "The file is checked whole, as by `poplar check`, and taken whole or not at all; no session\n"
      "ends for it. Prints each setting that has changed, and which of them wait for the next "
      "start\n"
      "(marked (restart) in `poplar config`). SIGHUP does the same; then the log says it.\n"
      "Certificates, keys and passwords are taken anew when their files change, without a word.\n"
      "Exit 0; 1 with errors in the file, or where nobody answers: then all is as before.");
  line.OnChosen(reload, [&line] {
    return RunReload({.config_path = line.config_path(), .color = line.color()}, std::cout,
                     std::cerr);
  });
}

void AddStatus(CommandLine& line) {
  auto live = std::make_shared<bool>(false);
  CLI::App* status = line.AddWithConfig("status", "Print how the running Poplar and its nodes are");
  status->add_flag("--live", *live, "Only whether it is alive, whatever its nodes are");
  status->footer(
      "Exit 0 where new clients are served and each cluster has a node in service (with --live: "
      "where\n"
      "Poplar runs at all); 1 where not, or where nobody answers.");
  line.OnChosen(status, [&line, live] {
    const NodeOptions options = {.config_path = line.config_path(), .color = line.color()};
    return *live ? RunLive(options, std::cout, std::cerr)
                 : RunStatus(options, std::cout, std::cerr);
  });
}

void AddSetNode(CommandLine& line, CLI::App& command, std::function<metrics::AdminState()> state) {
  auto options = std::make_shared<NodeOptions>();
  command.add_option("NODE", options->node, "CLUSTER/NODE, or NODE where only one is called so")
      ->required();
  line.OnChosen(&command, [&line, options, state = std::move(state)] {
    options->config_path = line.config_path();
    options->color = line.color();
    options->state = state();
    return RunSetNode(*options, std::cout, std::cerr);
  });
}

void AddNodes(CommandLine& line) {
  CLI::App* drain = line.AddWithConfig("drain", "Take a node out for maintenance, while all runs");
  auto drop = std::make_shared<bool>(false);
  drain->add_flag("--drop", *drop, "Drop its sessions, too");
  drain->footer(
      "Tells the Poplar that runs with this configuration, on this machine, by its admin "
      "endpoint.\n"
      "A drained node gets no new users; its sessions go on. With replicas, tell each of them.\n"
      "Exit 0; 1 with errors in the file, for an unknown node, or where nobody answers.");
  AddSetNode(line, *drain,
             [drop] { return *drop ? metrics::AdminState::kDown : metrics::AdminState::kDrain; });
  CLI::App* undrain = line.AddWithConfig("undrain", "Let a drained node serve again");
  AddSetNode(line, *undrain, [] { return metrics::AdminState::kUp; });
}

void AddUpgrade(CommandLine& line) {
  CLI::App* upgrade = line.AddWithConfig(
      "upgrade", "Let a new process take over from the running Poplar; no connection is dropped");
  upgrade->footer(
      "The running one starts the program that lies at its own path now, with its own arguments\n"
      "and so the configuration as it is now, and hands its sockets over once the new one is "
      "ready.\n"
      "Sessions of the old process go on as in a drain; it ends with the last of them. Where the\n"
      "new one can't serve, the old one goes on as before. As SIGUSR2, but for the answer.\n"
      "Exit 0; 1 with errors in the file, where nobody answers, or with why it can't.");
  line.OnChosen(upgrade, [&line] {
    return RunUpgrade({.config_path = line.config_path(), .color = line.color()}, std::cout,
                      std::cerr);
  });
}

void AddTop(CommandLine& line) {
  auto options = std::make_shared<TopOptions>();
  CLI::App* top =
      line.AddWithConfig("top", "Watch the running Poplar: its rates, nodes and sessions");
  top->add_option("--interval", options->interval, "Between two looks")->capture_default_str();
  top->add_flag("--once", options->once, "One picture, as plain text; as without a terminal");
  top->footer(
      "Rates and quantiles are of the last interval; bytes count once their session has ended.\n"
      "Nodes out of service are red, unless NO_COLOR is set. q or Ctrl-C ends it.\n"
      "Exit 0; 1 with errors in the file, or where nobody answers at first.");
  line.OnChosen(top, [&line, options] {
    options->config_path = line.config_path();
    options->color = config::ColorFor(STDOUT_FILENO);
    options->err_color = line.color();
    return RunTop(*options, std::cout, std::cerr);
  });
}

void AddSessions(CommandLine& line) {
  auto options = std::make_shared<SessionsOptions>();
  auto format = std::make_shared<std::string>("text");
  CLI::App* sessions = line.AddWithConfig("sessions", "Print the sessions of the running Poplar");
  auto& query = options->query;
  sessions->add_option("--user", query.user, "Of this user, by a name that it logs in by");
  sessions->add_option("--node", query.node, "At this node: NODE or CLUSTER/NODE");
  sessions->add_option("--client", query.client, "Of clients at this IP address");
  sessions->add_option("--limit", query.limit, "Most that are printed, the oldest first")
      ->check(CLI::Range(size_t{1}, poplar::metrics::kSessionsShownMax))
      ->capture_default_str();
  sessions->add_option("--format", *format, "json: as GET /api/v1/sessions answers")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  sessions->footer(
      "STATE is handshake, authorizing (before a login), logging_in, idle, relaying or ending;\n"
      "IDLE is since the client's last sign of life.\n"
      "Exit 0; 1 with errors in the file, or where nobody answers.");
  line.OnChosen(sessions, [&line, options, format] {
    options->config_path = line.config_path();
    options->color = line.color();
    if (*format == "json") options->format = SessionsFormat::kJson;
    return RunSessions(*options, std::cout, std::cerr);
  });
}

void AddKick(CommandLine& line) {
  auto options = std::make_shared<KickOptions>();
  CLI::App* kick = line.AddWithConfig("kick", "End sessions of the running Poplar");
  auto* user = kick->add_option("--user", options->query.user,
                                "All of this user's, parked connections to nodes too");
  auto* session =
      kick->add_option("--session", options->query.session, "This one, by its id")->excludes(user);
  kick->add_flag("--now", options->query.now, "In the middle of whatever they are doing");
  kick->footer(
      "Each ends at its next command boundary with -ERR [SYS/TEMP], as in a drain: a message "
      "under\n"
      "way is finished. Nothing keeps the client from coming back. `poplar sessions` has the ids.\n"
      "Exit 0, also where the user has none; 1 with errors in the file, for an unknown session, "
      "or\n"
      "where nobody answers.");
  line.OnChosen(kick, [&line, options] {
    options->config_path = line.config_path();
    options->color = line.color();
    return RunKick(*options, std::cout, std::cerr);
  });
  line.OnParsed(kick, [user, session] {
    if (user->empty() && session->empty()) throw CLI::RequiredError("one of --user and --session");
  });
}

void AddTrace(CommandLine& line) {
  auto options = std::make_shared<TraceOptions>();
  CLI::App* trace =
      line.AddWithConfig("trace", "Write down what sessions say, without their secrets");
  auto& query = options->query;
  trace->add_option("--user", query.user, "Sessions of this user, by a name that it logs in by");
  trace->add_option("--client", query.client, "... of clients at this IP address or network");
  trace->add_option("--node", query.node, "... at this node: NODE or CLUSTER/NODE");
  trace->add_option("--for", query.duration,
                    "How long, such as 90s or 1h; left out, 10m, or trace.duration_max if that is "
                    "less");
  trace->add_flag("--list", options->list, "Print which traces are on instead");
  trace->add_option("--stop", options->stop, "End this one instead, by its number");
  trace->footer(
      "Prints the path of the file, in trace.directory, on the running Poplar's machine. Sessions\n"
      "are in it that log in from now on, with both of their dialogues: the client's and the\n"
      "node's. Of an address they are whole; of a user or a node they begin with the login.\n"
      "Passwords, tokens and all of SASL are ***, of messages the size is told.\n"
      "  poplar trace --user anna@example.org --for 15m\n"
      "Exit 0; 1 with errors in the file, where nobody answers or Poplar says no; 2 for options "
      "that\n"
      "make no sense together.");
  line.OnChosen(trace, [&line, options] {
    options->config_path = line.config_path();
    options->color = line.color();
    return RunTrace(*options, std::cout, std::cerr);
  });
}

}  // namespace

void AddRunningCommands(CommandLine& line) {
  AddMoves(line);
  AddReload(line);
  AddStatus(line);
  AddNodes(line);
  AddUpgrade(line);
  AddTop(line);
  AddSessions(line);
  AddKick(line);
  AddTrace(line);
}

}  // namespace poplar::cli
