#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "balancer/affinity.h"
#include "balancer/credential_digest.h"
#include "balancer/slot.h"
#include "balancer/time.h"

namespace poplar::balancer {

// A session whose client has left with a complete QUIT, kept for the same user's next login
// (DESIGN section 4). The lease holds the user on this node meanwhile; it must outlive the QUIT
// that ends the session at the node.
struct ParkedSession {
  std::unique_ptr<PooledConnection> connection;
  Affinity::Lease lease;  // empty in clusters without affinity
  CredentialDigest digest;
  Moment logged_in{};  // when the node answered the login: the age of its view counts from there
  bool utf8 = false;   // the session's mode

  // Whether the view is older than it may be shown; at exactly that age it is. Nothing makes it
  // younger again.
  bool TooOld(Duration max_snapshot_age, Moment now) const {
    return now - logged_in >= max_snapshot_age;
  }
};

// Why a parked session does or doesn't serve a login of its user.
enum class ParkedVerdict : uint8_t { kServes, kTooOld, kOtherCredential, kOtherMode };

// With several reasons against it: the mode, then the credential, then the age.
ParkedVerdict Judge(const ParkedSession& parked, const CredentialDigest& presented, bool utf8,
                    Duration max_snapshot_age, Moment now);

// A node's parked sessions: one a user, ordered by the age of their view. One thread at a time;
// calls nothing of what it keeps, not even a destructor.
class ParkedSessions {
 public:
  using Key = std::pair<ClusterId, std::string>;

  size_t size() const { return by_user_.size(); }
  bool empty() const { return by_user_.empty(); }

  // Of two sessions of one user the one with the younger view stays; the other is returned.
  [[nodiscard]] std::unique_ptr<ParkedSession> Insert(Key key,
                                                      std::unique_ptr<ParkedSession> session);
  std::vector<CanonicalUser> UsersOf(ClusterId cluster) const;
  // Null: there is none.
  [[nodiscard]] std::unique_ptr<ParkedSession> Take(const Key& key);
  // The one that expires first; there must be one.
  const ParkedSession& Oldest() const;
  [[nodiscard]] std::unique_ptr<ParkedSession> TakeOldest();

 private:
  struct Item {
    Key key;
    std::unique_ptr<ParkedSession> session;
  };
  using ByAge = std::multimap<Moment, Item>;  // key: logged_in

  ByAge by_age_;
  absl::flat_hash_map<Key, ByAge::iterator> by_user_;
};

}  // namespace poplar::balancer
