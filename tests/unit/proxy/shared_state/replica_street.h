#pragma once

#include <cstdint>
#include <list>
#include <set>
#include <string>

#include "tests/simulation/network.h"
#include "tests/unit/proxy/shared_state/fake_store.h"
#include "tests/unit/proxy/shared_state/replica_house.h"

namespace poplar::shared_state {

// Several replicas, one store, users who come by any of them; and who of them was on two nodes at
// once. Views of nodes are as different as can be: each visit picks a node by the dice. Nothing may
// be left open when it ends.
class ReplicaStreet {
 public:
  explicit ReplicaStreet(uint64_t seed);
  ~ReplicaStreet();

  ReplicaHouse& Add();
  void Pass(io::Duration time);
  // Visits for so long, some dozens a second.
  void Live(io::Duration time);
  // Until nobody is left who visits.
  void Calm();
  // Another one takes its place.
  void KillOne();

  simulation::World& world() { return world_; }
  FakeStore& store() { return store_; }
  std::list<ReplicaHouse>& houses() { return houses_; }

  size_t visits() const;
  int alone() const { return alone_; }        // arrivals by nobody's word but the replica's
  int overlaps() const { return overlaps_; }  // of users whom the store had granted
  // By an arrival that was alone; and whoever came while that user was on two nodes.
  int excused() const { return excused_; }

 private:
  struct Entry {
    const ReplicaHouse* house;
    ReplicaHouse::Guest guest;
  };

  ReplicaHouse& AnyHouse();
  void Arrived(const ReplicaHouse& house, const ReplicaHouse::Guest& guest);
  void Left(const ReplicaHouse& house, const ReplicaHouse::Guest& guest);

  simulation::World world_;
  simulation::Network network_;
  simulation::SeededRandom dice_;
  FakeStore store_;
  std::list<ReplicaHouse> houses_;
  std::list<Entry> guests_;
  std::set<std::string> torn_;  // users who are on two nodes since one arrival was alone
  int alone_ = 0;
  int overlaps_ = 0;
  int excused_ = 0;
};

}  // namespace poplar::shared_state
