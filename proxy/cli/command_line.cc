#include "proxy/cli/command_line.h"

#include <unistd.h>

#include <iostream>
#include <utility>

#include "proxy/cli/version.h"

namespace poplar::cli {

CommandLine::CommandLine() : color_(config::ColorFor(STDERR_FILENO)) {
  app_.require_subcommand(0, 1);
  app_.footer("Start with 'poplar demo'. The reference of the configuration: 'poplar config'.");
  app_.add_flag("--version", version_,
                "Print the version, how it was built, and what serves sockets here");
  AddProcessCommands(*this);
  AddUserCommands(*this);
  AddRunningCommands(*this);
  AddProbeCommand(*this);
  AddDemoCommand(*this);
  AddDocumentCommands(*this);
}

CLI::App* CommandLine::AddWithConfig(const char* name, const char* description, CLI::App* parent) {
  CLI::App* command = (parent == nullptr ? &app_ : parent)->add_subcommand(name, description);
  command->add_option("-c,--config", config_path_, "The configuration file")->capture_default_str();
  return command;
}

void CommandLine::OnParsed(CLI::App* command, std::function<void()> look) {
  command->callback(std::move(look));
}

int CommandLine::Run(int argc, char** argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (app_.exit(error) == 0) return 0;
    const auto wrong = wrong_.find(Parsed());
    return wrong == wrong_.end() ? 2 : wrong->second;
  }
  if (version_) {
    PrintVersion(std::cout);
    return 0;
  }
  const auto chosen = commands_.find(Parsed());
  if (chosen != commands_.end()) return chosen->second();
  std::cout << app_.help();
  return 2;
}

// The innermost command that was named.
const CLI::App* CommandLine::Parsed() const {
  const CLI::App* command = &app_;
  for (;;) {
    const auto named = command->get_subcommands();
    if (named.empty()) return command;
    command = named.front();
  }
}

}  // namespace poplar::cli
