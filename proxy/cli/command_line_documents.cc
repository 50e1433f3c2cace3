#include <iostream>
#include <memory>
#include <string>

#include "proxy/cli/command_line.h"
#include "proxy/cli/command_tree.h"
#include "proxy/cli/completion.h"
#include "proxy/cli/manual_page.h"
#include "proxy/cli/version.h"
#include "proxy/config/manual_page.h"

namespace poplar::cli {
namespace {

int Print(const std::string& text) {
  std::cout << text << std::flush;
  return std::cout.good() ? 0 : 1;
}

void AddManual(CommandLine& line) {
  auto page = std::make_shared<std::string>("poplar");
  CLI::App* manual = line.app().add_subcommand("manual", "Print a manual page's source");
  manual->add_option("PAGE", *page, "Of the commands, or of the configuration")
      ->check(CLI::IsMember({"poplar", "poplar.yaml"}))
      ->capture_default_str();
  manual->footer(
      "The package has them where man finds them. Elsewhere:\n"
      "  poplar manual poplar.yaml >poplar.yaml.5 && man ./poplar.yaml.5");
  line.OnChosen(manual, [&line, page] {
    return Print(*page == "poplar" ? ManualPage(TreeOf(line.app()), Version())
                                   : config::ManualPage(Version()));
  });
}

void AddCompletion(CommandLine& line) {
  auto shell = std::make_shared<std::string>();
  CLI::App* completion =
      line.app().add_subcommand("completion", "Print the script by which a shell completes this");
  completion->add_option("SHELL", *shell, "The shell")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->footer(
      "The package has them where the shells find them. Elsewhere, in bash:\n"
      "  source <(poplar completion bash)");
  line.OnChosen(completion, [&line, shell] {
    const CommandTree tree = TreeOf(line.app());
    return Print(*shell == "bash"  ? BashCompletion(tree)
                 : *shell == "zsh" ? ZshCompletion(tree)
                                   : FishCompletion(tree));
  });
}

}  // namespace

void AddDocumentCommands(CommandLine& line) {
  AddManual(line);
  AddCompletion(line);
}

}  // namespace poplar::cli
