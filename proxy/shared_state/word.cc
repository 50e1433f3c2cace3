#include "proxy/shared_state/word.h"

#include <charconv>

#include "balancer/moves.h"
#include "proxy/shared_state/limits.h"

namespace poplar::shared_state {
namespace {

std::string_view TakeWord(std::string_view& rest) {
  const size_t at = rest.find(' ');
  const std::string_view word = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return word;
}

std::optional<balancer::AdminState> ParseState(std::string_view text) {
  using balancer::AdminState;
  for (const AdminState state : {AdminState::kUp, AdminState::kDrain, AdminState::kDown}) {
    if (balancer::Name(state) == text) return state;
  }
  return std::nullopt;
}

std::optional<uint32_t> ParsePermille(std::string_view text) {
  uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || at != end || number > balancer::kAllPermille)
    return std::nullopt;
  return number;
}

}  // namespace

std::string RenderWord(const Word& word) {
  switch (word.kind) {
    case Word::Kind::kKickUser:
      return (word.now ? "kick-user now " : "kick-user soon ") + word.subject;
    case Word::Kind::kKickSession:
      return (word.now ? "kick-session now " : "kick-session soon ") + word.subject;
    case Word::Kind::kNode:
      return "node " + std::string(balancer::Name(word.state)) + " " + word.subject;
    case Word::Kind::kMove:
      return "move " + std::to_string(word.permille) + " " + word.subject;
  }
  return {};
}

std::optional<Word> ParseWord(std::string_view text) {
  if (text.size() > kWordBytesMax) return std::nullopt;
  const std::string_view what = TakeWord(text);
  const std::string_view how = TakeWord(text);
  Word word{.subject = std::string(text)};
  if (word.subject.empty()) return std::nullopt;
  if (what == "kick-user" || what == "kick-session") {
    word.kind = what == "kick-user" ? Word::Kind::kKickUser : Word::Kind::kKickSession;
    word.now = how == "now";
    if (!word.now && how != "soon") return std::nullopt;
    return word;
  }
  if (what == "node") {
    const auto state = ParseState(how);
    if (!state) return std::nullopt;
    word.kind = Word::Kind::kNode;
    word.state = *state;
    return word;
  }
  const auto permille = ParsePermille(how);
  if (what != "move" || !permille) return std::nullopt;
  word.kind = Word::Kind::kMove;
  word.permille = *permille;
  return word;
}

std::string SettingOf(const Word& word) {
  if (word.kind == Word::Kind::kNode) return "node " + word.subject;
  if (word.kind == Word::Kind::kMove) return "move " + word.subject;
  return {};
}

}  // namespace poplar::shared_state
