#include "balancer/parked_session.h"

#include <cassert>

namespace poplar::balancer {

ParkedVerdict Judge(const ParkedSession& parked, const CredentialDigest& presented, bool utf8,
                    Duration max_snapshot_age, Moment now) {
  if (parked.utf8 != utf8) return ParkedVerdict::kOtherMode;
  if (!parked.digest.Matches(presented)) return ParkedVerdict::kOtherCredential;
  if (parked.TooOld(max_snapshot_age, now)) return ParkedVerdict::kTooOld;
  return ParkedVerdict::kServes;
}

std::unique_ptr<ParkedSession> ParkedSessions::Insert(Key key,
                                                      std::unique_ptr<ParkedSession> session) {
  const auto user = by_user_.find(key);
  if (user == by_user_.end()) {
    const Moment logged_in = session->logged_in;
    const auto item = by_age_.emplace(logged_in, Item{key, std::move(session)});
    by_user_.emplace(std::move(key), item);
    return nullptr;
  }
  if (session->logged_in < user->second->first) return session;
  const Moment logged_in = session->logged_in;
  std::unique_ptr<ParkedSession> earlier = std::move(user->second->second.session);
  by_age_.erase(user->second);
  user->second = by_age_.emplace(logged_in, Item{std::move(key), std::move(session)});
  return earlier;
}

std::vector<CanonicalUser> ParkedSessions::UsersOf(ClusterId cluster) const {
  std::vector<CanonicalUser> users;
  for (const auto& [key, item] : by_user_) {
    if (key.first == cluster) users.push_back(CanonicalUser::FromCanonical(key.second));
  }
  return users;
}

std::unique_ptr<ParkedSession> ParkedSessions::Take(const Key& key) {
  const auto user = by_user_.find(key);
  if (user == by_user_.end()) return nullptr;
  std::unique_ptr<ParkedSession> session = std::move(user->second->second.session);
  by_age_.erase(user->second);
  by_user_.erase(user);
  return session;
}

const ParkedSession& ParkedSessions::Oldest() const {
  assert(!empty());
  return *by_age_.begin()->second.session;
}

std::unique_ptr<ParkedSession> ParkedSessions::TakeOldest() {
  assert(!empty());
  const auto oldest = by_age_.begin();
  std::unique_ptr<ParkedSession> session = std::move(oldest->second.session);
  by_user_.erase(oldest->second.key);
  by_age_.erase(oldest);
  return session;
}

}  // namespace poplar::balancer
