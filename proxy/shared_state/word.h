#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "balancer/node_health.h"

namespace poplar::shared_state {

// What an operator has said to one replica and means all.
struct Word {
  enum class Kind : uint8_t { kKickUser, kKickSession, kNode, kMove };
  Kind kind = Kind::kKickUser;
  // The user, canonical; the session's id; "cluster/node"; the move's name.
  std::string subject;
  bool now = false;                                        // of a kick
  balancer::AdminState state = balancer::AdminState::kUp;  // kNode
  uint32_t permille = 0;                                   // kMove

  friend bool operator==(const Word&, const Word&) = default;
};

// "node drain main/a", "move 300 spring", "kick-user now alice@example.org".
std::string RenderWord(const Word& word);
std::optional<Word> ParseWord(std::string_view text);

// What the word is the last one on, for replicas that start later; empty: it is for those alone who
// are there.
std::string SettingOf(const Word& word);

}  // namespace poplar::shared_state
