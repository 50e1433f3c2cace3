#include <string>
#include <string_view>

#include "proxy/cli/completion.h"

namespace poplar::cli {
namespace {

constexpr std::string_view kHead =
    R"(# bash completion for poplar, as `poplar completion bash` prints it.
_poplar() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} at='' words='' i
  # bash takes --format=json for three words.
  if [[ $cur == '=' ]]; then
    cur=''
  elif [[ $prev == '=' ]]; then
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at ${COMP_WORDS[i]}" in
)";

constexpr std::string_view kMiddle = R"(      at="$at ${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at" in
)";

constexpr std::string_view kTail = R"(  esac
  COMPREPLY=()
  # Without a match bash goes on with the names of files.
  if [[ -n $words ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
  fi
}
complete -o default -F _poplar poplar
)";

void Add(std::string& words, std::string_view word) {
  if (!words.empty()) words += ' ';
  words.append(word);
}

// The words that may stand there, but for those behind an option.
std::string WordsOf(const CommandTree& command) {
  std::string words;
  for (const CommandTree& below : command.commands) Add(words, below.name);
  for (const OptionTree& option : command.options) {
    for (const std::string& name : option.names) Add(words, name);
  }
  return words;
}

std::string Alternatives(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : " | ") + name;
  return joined;
}

void AddCase(const std::string& at, const CommandTree& command, std::string& out) {
  out.append("    '").append(at).append("')\n      case \"$prev\" in\n");
  for (const OptionTree& option : command.options) {
    if (!option.takes_value || option.positional()) continue;
    std::string words;
    for (const std::string& choice : option.choices) Add(words, choice);
    out.append("        ").append(Alternatives(option.names)).append(") words='").append(words);
    out.append("' ;;\n");
  }
  // An empty word is more likely to become a file's name than an option.
  const bool always = !command.commands.empty();
  out.append("        *) ").append(always ? "" : "[[ $cur != -* ]] || ");
  out.append("words='").append(WordsOf(command)).append("' ;;\n      esac ;;\n");
}

}  // namespace

std::string BashCompletion(const CommandTree& program) {
  std::string paths;
  std::string cases;
  ForEachCommand(program, [&](std::string_view path, const CommandTree& command) {
    const std::string at(path.substr(program.name.size()));
    if (!at.empty()) paths += (paths.empty() ? "'" : " | '") + at + "'";
    AddCase(at, command, cases);
  });
  std::string out(kHead);
  out.append("      ").append(paths).append(")\n  ").append(kMiddle);
  return out.append(cases).append(kTail);
}

}  // namespace poplar::cli
