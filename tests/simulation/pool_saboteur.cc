#include "tests/simulation/pool_saboteur.h"

#include <cassert>
#include <memory>

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

void PoolSaboteur::OnParked(const session::Settings& settings, upstream::Node& node, io::Time now) {
  if (mistake_ != SessionMistake::kRenewsAge && mistake_ != SessionMistake::kSwapsCredential &&
      mistake_ != SessionMistake::kSwapsUser) {
    return;
  }
  for (size_t i = 0; i < users_.size(); ++i) {
    Change(node, settings.clusters.front()->id, i, now);
  }
}

void PoolSaboteur::Change(upstream::Node& node, balancer::ClusterId cluster, size_t user,
                          io::Time now) {
  size_t owner = user;
  if (mistake_ == SessionMistake::kSwapsUser) {
    owner = (user + 1) % users_.size();
    auto other = node.pool.TakeParked(cluster, Canonical(users_[owner]));
    if (other != nullptr) {
      const auto back = node.pool.Park(cluster, Canonical(users_[owner]), std::move(other),
                                       now.time_since_epoch());
      assert(back.empty());
      return;
    }
  }
  auto session = node.pool.TakeParked(cluster, Canonical(users_[user]));
  if (session == nullptr) return;
  if (mistake_ == SessionMistake::kRenewsAge) session->logged_in = now.time_since_epoch();
  if (mistake_ == SessionMistake::kSwapsCredential)
    session->digest = {digest_.Of(users_[user], wrong_password_)};
  if (mistake_ == SessionMistake::kSwapsUser)
    session->digest = {digest_.Of(users_[owner], password_)};
  const auto back =
      node.pool.Park(cluster, Canonical(users_[owner]), std::move(session), now.time_since_epoch());
  assert(back.empty());
}

}  // namespace poplar::simulation
