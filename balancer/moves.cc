#include "balancer/moves.h"

#include <absl/strings/string_view.h>

#include <algorithm>
#include <cassert>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace poplar::balancer {
namespace {

__extension__ using Uint128 = unsigned __int128;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Abseil's own on some systems, and nothing else is looked up without a copy.
absl::string_view Key(std::string_view text) { return {text.data(), text.size()}; }

uint64_t SeedOf(std::string_view move) { return XXH64(move.data(), move.size(), 0); }

uint32_t PlaceBySeed(std::string_view user, uint64_t seed) {
  const uint64_t hash = XXH64(user.data(), user.size(), seed);
  return static_cast<uint32_t>((static_cast<Uint128>(hash) * kAllPermille) >> 64);
}

}  // namespace

uint32_t PlaceInMove(std::string_view user, std::string_view move) {
  return PlaceBySeed(user, SeedOf(move));
}

Moves::Move::Move(MoveRule given, std::shared_ptr<State> running)
    : rule(std::move(given)),
      seed(SeedOf(rule.name)),
      users(rule.users.begin(), rule.users.end()),
      state(running != nullptr ? std::move(running) : std::make_shared<State>(rule.permille)) {
  for (std::string domain : rule.domains) {
    std::transform(domain.begin(), domain.end(), domain.begin(), Lower);
    if (domain.starts_with('.')) {
      suffixes.push_back(std::move(domain));
    } else {
      domains.insert(std::move(domain));
    }
  }
}

bool Moves::Move::Means(std::string_view user) const {
  if (rule.users.empty() && rule.domains.empty()) return true;
  if (users.contains(Key(user))) return true;
  const size_t at = user.rfind('@');
  if (at == std::string_view::npos) return false;
  const std::string_view domain = user.substr(at + 1);
  return domains.contains(Key(domain)) ||
         std::any_of(suffixes.begin(), suffixes.end(),
                     [domain](const std::string& suffix) { return domain.ends_with(suffix); });
}

Moves::Moves(std::vector<MoveRule> rules, const Moves* before) {
  moves_.reserve(rules.size());
  for (MoveRule& rule : rules) {
    const Move* const same = before == nullptr ? nullptr : before->SameMove(rule);
    moves_.push_back(
        std::make_unique<Move>(std::move(rule), same == nullptr ? nullptr : same->state));
  }
}

const Moves::Move* Moves::SameMove(const MoveRule& rule) const {
  for (const auto& move : moves_) {
    const MoveRule& own = move->rule;
    if (own.name == rule.name && own.from == rule.from && own.to == rule.to &&
        own.users == rule.users && own.domains == rule.domains)
      return move.get();
  }
  return nullptr;
}

std::optional<Moves::Turn> Moves::TurnAs(const Moves& before, const Turn& turn) const {
  const auto& state = before.moves_[turn.move]->state;
  for (size_t i = 0; i < moves_.size(); ++i) {
    if (moves_[i]->state == state) return Turn{static_cast<uint32_t>(i), turn.place};
  }
  return std::nullopt;
}

bool Moves::HasNewShare(const Moves& before, size_t move) const {
  const Move* const same = before.SameMove(moves_[move]->rule);
  return same != nullptr && same->rule.permille != moves_[move]->rule.permille;
}

std::optional<Moves::Turn> Moves::TurnOf(ClusterId cluster, const CanonicalUser& user) const {
  for (size_t i = 0; i < moves_.size(); ++i) {
    const Move& move = *moves_[i];
    if (move.rule.from == cluster && move.Means(user.text()))
      return Turn{static_cast<uint32_t>(i), PlaceBySeed(user.text(), move.seed)};
  }
  return std::nullopt;
}

ClusterId Moves::ClusterOf(const Turn& turn) const {
  const Move& move = *moves_[turn.move];
  return turn.place < move.state->permille.load() ? move.rule.to : move.rule.from;
}

ClusterId Moves::OtherOf(const Turn& turn, ClusterId cluster) const {
  const MoveRule& rule = moves_[turn.move]->rule;
  return cluster == rule.to ? rule.from : rule.to;
}

bool Moves::MayEnter(const Affinity& affinity, const CanonicalUser& user, const Turn& turn,
                     ClusterId cluster) const {
  if (ClusterOf(turn) != cluster) return false;
  const Move& move = *moves_[turn.move];
  const bool was_moved = turn.place < move.state->highest.load();
  if (cluster == move.rule.from && !was_moved) return true;
  return affinity.LeasesOf(OtherOf(turn, cluster), user) == 0;
}

std::optional<size_t> Moves::Find(std::string_view name) const {
  for (size_t i = 0; i < moves_.size(); ++i) {
    if (moves_[i]->rule.name == name) return i;
  }
  return std::nullopt;
}

// The mark goes ahead: whoever reads the new share has to find it there. Two operators at once may
// leave it above what ever was in force, which costs a look at some leases.
void Moves::SetPermille(size_t number, uint32_t permille) {
  assert(permille <= kAllPermille);
  State& state = *moves_[number]->state;
  uint32_t highest = state.highest.load();
  while (highest < permille && !state.highest.compare_exchange_weak(highest, permille)) {
  }
  state.permille.store(permille);
}

}  // namespace poplar::balancer
