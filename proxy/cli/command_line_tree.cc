#include "proxy/cli/command_line.h"
#include "proxy/cli/command_tree.h"

namespace poplar::cli {
namespace {

// "TEXT:{text,json}" has two.
std::vector<std::string> ChoicesOf(const std::string& type) {
  std::vector<std::string> choices;
  const size_t open = type.find('{');
  if (open == std::string::npos || !type.ends_with('}')) return choices;
  std::string_view rest(type);
  rest = rest.substr(open + 1, rest.size() - open - 2);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(','), rest.size());
    choices.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return choices;
}

OptionTree TreeOf(const CLI::Option& option) {
  OptionTree tree;
  for (const std::string& name : option.get_snames()) tree.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) tree.names.push_back("--" + name);
  if (tree.positional()) tree.label = option.get_name(true);
  tree.description = option.get_description();
  tree.initial = option.get_default_str();
  tree.choices = ChoicesOf(option.get_type_name());
  tree.takes_value = option.get_items_expected_max() > 0;
  tree.required = option.get_required();
  return tree;
}

}  // namespace

CommandTree TreeOf(const CLI::App& app) {
  CommandTree tree{
      .name = app.get_name(), .description = app.get_description(), .footer = app.get_footer()};
  for (const CLI::Option* option : app.get_options()) tree.options.push_back(TreeOf(*option));
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    tree.commands.push_back(TreeOf(*command));
  return tree;
}

}  // namespace poplar::cli
