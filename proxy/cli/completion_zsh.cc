#include <string>
#include <string_view>

#include "proxy/cli/completion.h"

namespace poplar::cli {
namespace {

constexpr std::string_view kHead = R"(#compdef poplar
# zsh completion for poplar, as `poplar completion zsh` prints it.
_poplar() {
  local at='' start=1 i
  for ((i = 2; i < CURRENT; i++)); do
    case "$at $words[i]" in
)";

constexpr std::string_view kMiddle = R"(        at="$at $words[i]"
        start=$i ;;
    esac
  done
  # What _arguments sees begins with the innermost command.
  words=("${(@)words[start,-1]}")
  ((CURRENT -= start - 1))
  local -a commands
  case "$at" in
)";

constexpr std::string_view kTail = R"(  esac
}
_poplar "$@"
)";

// Inside single quotes, with what _arguments and _describe take for their own behind a backslash.
std::string Escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
      continue;
    }
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string ValueOf(const OptionTree& option) {
  const std::string label = option.positional() ? option.label : "value";
  std::string choices;
  for (const std::string& choice : option.choices) choices += (choices.empty() ? "" : " ") + choice;
  if (!choices.empty()) return ":" + label + ":(" + choices + ")";
  return ":" + label + ":" + (option.takes_file() ? "_files" : "");
}

std::string Specification(const OptionTree& option) {
  if (option.positional()) return "'" + ValueOf(option) + "'";
  std::string all;
  std::string spellings;
  for (const std::string& name : option.names) {
    all += (all.empty() ? "" : " ") + name;
    spellings += (spellings.empty() ? "" : ",") + name;
  }
  std::string out = "'(" + all + ")'";
  out += option.names.size() > 1 ? "{" + spellings + "}" : spellings;
  out += "'[" + Escaped(option.description, "[]\\") + "]";
  return out + (option.takes_value ? ValueOf(option) : "") + "'";
}

void AddCase(const std::string& at, const CommandTree& command, std::string& out) {
  out.append("    '").append(at).append("')\n");
  if (!command.commands.empty()) {
    out += "      commands=(\n";
    for (const CommandTree& below : command.commands) {
      out.append("        '").append(below.name).append(":");
      out.append(Escaped(below.description, ":\\")).append("'\n");
    }
    out += "      )\n      [[ $PREFIX == -* ]] || _describe command commands\n";
  }
  out += "      _arguments -s -S";
  for (const OptionTree& option : command.options) out += " \\\n        " + Specification(option);
  out += " ;;\n";
}

}  // namespace

std::string ZshCompletion(const CommandTree& program) {
  std::string paths;
  std::string cases;
  ForEachCommand(program, [&](std::string_view path, const CommandTree& command) {
    const std::string at(path.substr(program.name.size()));
    if (!at.empty()) paths += (paths.empty() ? "'" : " | '") + at + "'";
    AddCase(at, command, cases);
  });
  std::string out(kHead);
  out.append("      ").append(paths).append(")\n").append(kMiddle);
  return out.append(cases).append(kTail);
}

}  // namespace poplar::cli
