#include "tests/simulation/move_judge.h"

#include <algorithm>
#include <string>

namespace poplar::simulation {

MoveJudge::MoveJudge(World& world, const SessionMail& mail, const balancer::MoveRule& rule)
    : world_(world) {
  for (const SessionMail::User& user : mail.users()) {
    places_.emplace_back();
    if (Means(rule, user.name)) places_.back() = balancer::PlaceInMove(user.name, rule.name);
    const bool moved = places_.back() && *places_.back() < rule.permille;
    phases_.push_back({{world.Now(), moved ? size_t{1} : 0}});
  }
}

// Written anew here, so that the judge doesn't share a mistake with the judged.
bool MoveJudge::Means(const balancer::MoveRule& rule, const std::string& user) {
  const auto named = [&user](const std::string& name) { return user == name; };
  const auto ends = [&user](const std::string& domain) {
    return user.ends_with(domain.starts_with('.') ? domain : "@" + domain);
  };
  return (rule.users.empty() && rule.domains.empty()) ||
         std::any_of(rule.users.begin(), rule.users.end(), named) ||
         std::any_of(rule.domains.begin(), rule.domains.end(), ends);
}

void MoveJudge::OnShare(uint32_t permille) {
  for (size_t user = 0; user < phases_.size(); ++user) {
    const size_t cluster = places_[user] && *places_[user] < permille ? 1 : 0;
    if (phases_[user].back().cluster == cluster) continue;
    phases_[user].push_back({world_.Now(), cluster});
    ++changes_;
  }
}

bool MoveJudge::EverIn(size_t user, size_t cluster, io::Time from, io::Time to) const {
  const std::vector<Phase>& phases = phases_[user];
  for (size_t i = 0; i < phases.size(); ++i) {
    const io::Time end = i + 1 < phases.size() ? phases[i + 1].since : io::Time::max();
    if (phases[i].cluster == cluster && phases[i].since <= to && end >= from) return true;
  }
  return false;
}

// There are two.
bool MoveJudge::EverElsewhere(size_t user, size_t cluster, io::Time from, io::Time to) const {
  return EverIn(user, 1 - cluster, from, to);
}

std::optional<io::Time> MoveJudge::GoneSince(size_t user, size_t cluster) const {
  const Phase& now = phases_[user].back();
  if (now.cluster == cluster) return std::nullopt;
  return now.since;
}

bool MoveJudge::Changed(size_t user, io::Time from, io::Time to) const {
  const std::vector<Phase>& phases = phases_[user];
  return std::any_of(phases.begin() + 1, phases.end(), [from, to](const Phase& phase) {
    return phase.since >= from && phase.since <= to;
  });
}

}  // namespace poplar::simulation
