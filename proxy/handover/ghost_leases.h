#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "balancer/affinity.h"
#include "proxy/handover/message.h"
#include "proxy/handover/places.h"
#include "proxy/handover/successor.h"

namespace poplar::handover {

// The users whom sessions of the old process hold on their nodes, held here too, so that logins
// follow them: until the old process says that it doesn't any more, or is gone. Any thread.
//
// When this process has handed over itself meanwhile, whoever is claimed here is claimed of its own
// successor first.
class GhostLeases {
 public:
  // The name of the user's node; empty: there is no such place.
  using Answer = std::function<void(std::string node)>;

  GhostLeases(balancer::Affinity& affinity, Places places, Successor& successor)
      : affinity_(affinity), places_(std::move(places)), successor_(successor) {}
  ~GhostLeases() { Clear(); }
  GhostLeases(const GhostLeases&) = delete;
  GhostLeases& operator=(const GhostLeases&) = delete;

  // False: there is no such node here. Before this process serves.
  bool Hold(const HeldUser& user);
  // Where the user is, or is to be from now on. `answer` is called on any thread, perhaps before
  // this returns.
  void Claim(const HeldUser& wanted, Answer answer);
  void Release(const std::string& cluster, const std::string& user);
  // Nothing that is claimed afterwards is held.
  void Clear();
  size_t size() const;

 private:
  using Key = std::pair<std::string, std::string>;  // cluster and user

  struct Claiming {
    Key key;
    balancer::ClusterId cluster{};
    balancer::Affinity::Lease lease;
    Answer answer;
    int tries = 0;
  };

  std::optional<std::string> NodeOf(const Key& key) const;
  void Bind(std::shared_ptr<Claiming> claim);
  void Keep(Claiming& claim);

  balancer::Affinity& affinity_;
  const Places places_;
  Successor& successor_;
  mutable std::mutex mutex_;
  std::map<Key, balancer::Affinity::Lease> leases_;  // guarded by mutex_, as the next
  bool cleared_ = false;
};

}  // namespace poplar::handover
