#include "tests/simulation/pool_saboteur.h"

#include <memory>
#include <optional>

namespace poplar::simulation {
namespace {

balancer::CanonicalUser Canonical(const std::string& user) {
  return *balancer::CanonicalUser::FromLogin(user, {});
}

}  // namespace

void PoolSaboteur::Begin(const session::Settings& settings, std::vector<std::string> users,
                         std::string password, std::string wrong_password) {
  users_ = std::move(users);
  password_ = std::move(password);
  wrong_password_ = std::move(wrong_password);
  if (mistake_ != SessionMistake::kLeaksSlot) return;
  std::optional<balancer::Slot> slot = settings.upstream_nodes.front()->pool.SlotForWarm();
  if (slot) leaked_.push_back(std::move(*slot));
}

void PoolSaboteur::OnParked(const session::Settings& settings, upstream::Node& node, io::Time now,
                            const End& end) {
  if (mistake_ != SessionMistake::kRenewsAge && mistake_ != SessionMistake::kSwapsCredential &&
      mistake_ != SessionMistake::kSwapsUser) {
    return;
  }
  for (size_t i = 0; i < users_.size(); ++i) {
    Change(node, settings.clusters.front()->id, i, now, end);
  }
}

void PoolSaboteur::Change(upstream::Node& node, balancer::ClusterId cluster, size_t user,
                          io::Time now, const End& end) {
  const size_t owner = mistake_ == SessionMistake::kSwapsUser ? (user + 1) % users_.size() : user;
  auto session = node.pool.TakeParked(cluster, Canonical(users_[user]));
  if (session == nullptr) return;
  if (mistake_ == SessionMistake::kRenewsAge) {
    session->logged_in = now.time_since_epoch();
  } else {
    const bool swaps_user = mistake_ == SessionMistake::kSwapsUser;
    session->digest = {digest_.Of(users_[owner], swaps_user ? password_ : wrong_password_)};
  }
  auto ended =
      node.pool.Park(cluster, Canonical(users_[owner]), std::move(session), now.time_since_epoch());
  for (balancer::NodePool::Idle& idle : ended) end(std::move(idle));
}

}  // namespace poplar::simulation
