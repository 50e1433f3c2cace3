#pragma once

#include <absl/container/flat_hash_set.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "balancer/affinity.h"
#include "balancer/canonical_user.h"
#include "balancer/node_table.h"

namespace poplar::balancer {

// All of a move's users: there are no finer steps.
inline constexpr uint32_t kAllPermille = 1000;

// Users who change from one cluster to another while everything runs. Whom neither list names isn't
// meant; both empty: everybody in `from` is.
struct MoveRule {
  std::string name;
  ClusterId from{};
  ClusterId to{};
  std::vector<std::string> users;    // canonical
  std::vector<std::string> domains;  // example.org, or .example.org for all below it
  uint32_t permille = kAllPermille;  // of those meant; 0: prepared
};

// When the user's turn in a move comes: it is moved once more permille are than this. Part of a
// public and frozen recipe, so that whoever copies the mail knows the same users:
//
//   seed(move)       = XXH64(bytes of the move's name, seed 0)
//   hash(user, move) = XXH64(bytes of the canonical user, seed(move))
//   place            = hash * 1000 / 2^64, rounded down: 0..999
//
// More permille only ever add users, fewer only ever take the last ones back.
uint32_t PlaceInMove(std::string_view user, std::string_view move);

// Where moves have users now. The rules are immutable; the share of a move may change at any time,
// from any thread. Asking allocates nothing.
//
// Never is a user in both of a move's clusters at once, and nobody comes to the old one after
// somebody was let into the new one. Each login keeps to this order:
//
//   1. It reads the share, and takes a lease (Affinity) in the cluster that this means.
//   2. Holding it, it asks MayEnter: that reads the share again, and then counts the user's leases
//      in the other cluster. With a no it gives its lease back, and begins anew a little later.
//
// Let A hold its lease in the old cluster and B its lease in the new one. Whichever of them counts
// the other's leases after that one has taken its own (the shard's lock puts the two in order) sees
// it, and doesn't enter; that both have counted first can't be, for each takes before it counts.
// And if B has entered while A holds no lease yet, A's taking comes after B's counting under the
// same lock; B had read the new share before, so A, reading after it, reads no older one.
//
// All of it needs leases: a cluster with affinity: none has none.
class Moves {
 public:
  // What becomes of a move's users, for its page and the metrics. Any thread may add.
  struct Counts {
    std::atomic<int64_t> waiting = 0;  // logins that wait for the user's other sessions to end
    std::atomic<int64_t> ending = 0;   // sessions that have to end, where their user no longer is
    std::atomic<uint64_t> landed = 0;  // logins to the new cluster
    std::atomic<uint64_t> waited_too_long = 0;
    std::atomic<uint64_t> ended = 0;  // sessions that had to end
  };

  // A user whom a move means.
  struct Turn {
    uint32_t move = 0;   // its number
    uint32_t place = 0;  // PlaceInMove
  };

  // `before`: the moves until now. One that means the same users and clusters under its old name
  // goes on: its share and its counts are one with the old one's, so that whoever still goes by the
  // old list keeps to the order above too.
  explicit Moves(std::vector<MoveRule> rules, const Moves* before = nullptr);
  Moves(const Moves&) = delete;
  Moves& operator=(const Moves&) = delete;

  // The first move that means a user who is in `cluster` by all other rules. No later one is asked,
  // whatever the share of this one; and whom a move has moved no other moves on.
  std::optional<Turn> TurnOf(ClusterId cluster, const CanonicalUser& user) const;

  ClusterId ClusterOf(const Turn& turn) const;
  // Step 2 above: for whoever holds a lease of the user in `cluster`.
  bool MayEnter(const Affinity& affinity, const CanonicalUser& user, const Turn& turn,
                ClusterId cluster) const;
  // The cluster that the user would have to leave for `cluster`.
  ClusterId OtherOf(const Turn& turn, ClusterId cluster) const;

  size_t size() const { return moves_.size(); }
  const MoveRule& rule(size_t move) const { return moves_[move]->rule; }  // its permille: at first
  std::optional<size_t> Find(std::string_view name) const;
  // The same user's turn in the same move; nothing: that is none of these.
  std::optional<Turn> TurnAs(const Moves& before, const Turn& turn) const;
  // Whether that move was one of those before, by whose rule its first share was another.
  bool HasNewShare(const Moves& before, size_t move) const;
  uint32_t permille(size_t move) const { return moves_[move]->state->permille.load(); }
  uint32_t highest(size_t move) const { return moves_[move]->state->highest.load(); }
  void SetPermille(size_t move, uint32_t permille);
  Counts& counts(size_t move) const { return moves_[move]->state->counts; }

 private:
  struct State {
    explicit State(uint32_t share) : permille(share), highest(share) {}
    std::atomic<uint32_t> permille;
    // The most that it has been. A user beyond it has never been in the new cluster by this move:
    // a namesake who lives there is none of the user's business.
    std::atomic<uint32_t> highest;
    Counts counts;
  };
  struct Move {
    Move(MoveRule given, std::shared_ptr<State> running);
    bool Means(std::string_view user) const;

    const MoveRule rule;
    const uint64_t seed;
    absl::flat_hash_set<std::string> users;
    absl::flat_hash_set<std::string> domains;
    std::vector<std::string> suffixes;  // of domains, with their dot
    const std::shared_ptr<State> state;
  };

  const Move* SameMove(const MoveRule& rule) const;

  std::vector<std::unique_ptr<Move>> moves_;
};

}  // namespace poplar::balancer
