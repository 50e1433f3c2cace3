#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace poplar::cli {

// The command line as data, for whatever tells others about it: completions and the manual page.
struct OptionTree {
  std::vector<std::string> names;  // "-c", "--config"; none: it goes by its position
  std::string label;               // of its place: USER
  std::string description;
  std::string initial;  // what it is where nobody says; empty: nothing
  std::vector<std::string> choices;
  bool takes_value = false;
  bool required = false;

  bool positional() const { return names.empty(); }
  // Whether its value is a file's name, as far as its own name tells.
  bool takes_file() const;
};

struct CommandTree {
  std::string name;
  std::string description;
  std::string footer;
  std::vector<OptionTree> options;
  std::vector<CommandTree> commands;
};

// Calls `visit(path, command)` for the command and all below it; a path is "poplar map build".
template <class Visit>
void ForEachCommand(const CommandTree& command, const Visit& visit, std::string path = {}) {
  if (!path.empty()) path += ' ';
  path += command.name;
  visit(std::string_view(path), command);
  for (const CommandTree& below : command.commands) ForEachCommand(below, visit, path);
}

}  // namespace poplar::cli
