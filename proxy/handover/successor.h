#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "balancer/affinity.h"
#include "proxy/handover/message.h"
#include "proxy/handover/places.h"
#include "proxy/io/process_channel.h"
#include "proxy/session/successor.h"

namespace poplar::handover {

// The process that has taken over, as the old one sees it: it is told which users are held here no
// longer, and asked where those may go who still log in here.
//
// What waits to be told is bounded by the users that sessions of this process hold.
class Successor final : public session::Successor {
 public:
  using SlotCounts = std::function<std::vector<SlotCount>()>;

  Successor(balancer::Affinity& affinity, Places places)
      : affinity_(affinity), places_(std::move(places)) {}
  ~Successor() override { Disconnect(); }
  Successor(const Successor&) = delete;
  Successor& operator=(const Successor&) = delete;

  // All users who are held now, by name; from here on it is the other process that decides. Until
  // Connect it is only noted down what that has to be told.
  std::vector<HeldUser> HandOver();
  // It serves. `slots` is asked now and then, on a thread of this object's.
  void Connect(io::ProcessChannel channel, SlotCounts slots);
  // It doesn't serve, or isn't there any more: this process decides again. Idempotent.
  void Disconnect();

  void Claim(balancer::ClusterId cluster, const balancer::CanonicalUser& user,
             balancer::NodeId node, io::Proactor& asking, std::function<void()> done) override;
  // The same; `done` is called on any thread, perhaps before this returns.
  void ClaimFor(balancer::ClusterId cluster, const balancer::CanonicalUser& user,
                balancer::NodeId node, std::function<void()> done);

 private:
  struct Asked {
    balancer::Affinity::Lease lease;  // is told, and keeps the user known until it was
    balancer::ClusterId cluster{};
    std::string cluster_name;
    std::function<void()> done;
  };

  void OnReleased(balancer::ClusterId cluster, const balancer::CanonicalUser& user);
  void Say(std::string frame);
  void Write();
  bool WriteSlots();
  void Read();
  void OnClaimed(const Frame& frame);
  void GiveUp();

  balancer::Affinity& affinity_;
  const Places places_;
  io::ProcessChannel channel_;  // from Connect on
  SlotCounts slots_;
  std::vector<std::pair<std::string, uint32_t>> slots_told_;  // the writer's
  std::thread writer_;
  std::thread reader_;

  std::mutex mutex_;
  std::condition_variable said_;
  std::deque<std::string> to_say_;    // guarded by mutex_, as all below
  std::map<uint64_t, Asked> claims_;  // by their numbers
  uint64_t last_claim_ = 0;
  bool handed_over_ = false;
  bool stopping_ = false;
};

}  // namespace poplar::handover
