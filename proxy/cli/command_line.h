#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>

#include "proxy/cli/command_tree.h"
#include "proxy/config/report.h"

namespace poplar::cli {

// What the command line may say, and what it said. Each command comes with its options, which it
// owns, and with what is to be done where it is the one asked for: command_line_*.cc.
class CommandLine {
 public:
  using Command = std::function<int()>;

  CommandLine();

  // Does what it says and returns the exit status.
  int Run(int argc, char** argv);

  CLI::App& app() { return app_; }
  // A command that takes -c; of the program, or of another command.
  CLI::App* AddWithConfig(const char* name, const char* description, CLI::App* parent = nullptr);
  void OnChosen(const CLI::App* command, Command run) { commands_[command] = std::move(run); }
  // What it throws is a mistake in the command line.
  static void OnParsed(CLI::App* command, std::function<void()> look);
  // The exit status of a wrong command line of this command's; else 2, as shells and scripts
  // expect.
  void OnWrong(const CLI::App* command, int status) { wrong_[command] = status; }

  const std::string& config_path() const { return config_path_; }
  // Of standard error.
  config::Color color() const { return color_; }

 private:
  const CLI::App* Parsed() const;

  CLI::App app_{"Poplar: a POP3 proxy and load balancer", "poplar"};
  std::string config_path_ = "/etc/poplar/poplar.yaml";
  const config::Color color_;
  bool version_ = false;
  std::map<const CLI::App*, Command> commands_;
  std::map<const CLI::App*, int> wrong_;
};

void AddProcessCommands(CommandLine& line);
void AddUserCommands(CommandLine& line);
void AddRunningCommands(CommandLine& line);
void AddProbeCommand(CommandLine& line);
void AddDemoCommand(CommandLine& line);
void AddDocumentCommands(CommandLine& line);

CommandTree TreeOf(const CLI::App& app);

}  // namespace poplar::cli
