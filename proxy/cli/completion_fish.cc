#include <string>
#include <string_view>

#include "proxy/cli/completion.h"

namespace poplar::cli {
namespace {

constexpr std::string_view kHead =
    R"(# fish completion for poplar, as `poplar completion fish` prints it.
# Whether the line so far begins with these commands; --whole: and names no others.
function __poplar_at
    argparse whole -- $argv
    set -l line (commandline -opc)[2..]
    if set -q _flag_whole
        test "$line" = "$argv"
        return
    end
    test (count $line) -ge (count $argv); or return
    for i in (seq (count $argv))
        test "$line[$i]" = "$argv[$i]"; or return 1
    end
end
complete -c poplar -f
)";

std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string Condition(std::string_view at, bool whole) {
  std::string call = "__poplar_at";
  if (whole) call += " --whole";
  return Quoted(call.append(at));
}

std::string OptionLine(std::string_view at, const OptionTree& option, bool whole) {
  std::string line = "complete -c poplar -n " + Condition(at, whole);
  for (const std::string& name : option.names)
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (option.takes_value) line += option.takes_file() ? " -rF" : " -x";
  std::string choices;
  for (const std::string& choice : option.choices) choices += (choices.empty() ? "" : " ") + choice;
  if (!choices.empty()) line += " -a " + Quoted(choices);
  return line + " -d " + Quoted(option.description) + "\n";
}

}  // namespace

std::string FishCompletion(const CommandTree& program) {
  std::string out(kHead);
  ForEachCommand(program, [&](std::string_view path, const CommandTree& command) {
    const std::string_view at = path.substr(program.name.size());
    for (const CommandTree& below : command.commands) {
      out.append("complete -c poplar -n ").append(Condition(at, true));
      out.append(" -a ").append(below.name).append(" -d ").append(Quoted(below.description)) +=
          '\n';
    }
    for (const OptionTree& option : command.options) {
      if (!option.positional()) {
        out += OptionLine(at, option, !command.commands.empty());
      } else if (option.takes_file()) {
        out.append("complete -c poplar -F -n ").append(Condition(at, false)) += '\n';
      } else if (!option.choices.empty()) {
        out += OptionLine(at, option, true);
      }
    }
  });
  return out;
}

}  // namespace poplar::cli
