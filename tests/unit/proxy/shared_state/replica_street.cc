#include "tests/unit/proxy/shared_state/replica_street.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>

namespace poplar::shared_state {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kUsers = 6;

io::Address At(int host) { return *io::Address::Parse("192.0.2." + std::to_string(host), 0); }

}  // namespace

ReplicaStreet::ReplicaStreet(uint64_t seed)
    : world_(seed),
      network_(world_, simulation::Faults()),
      dice_(world_.Stream("street")),
      store_(network_, At(100)) {}

ReplicaStreet::~ReplicaStreet() {
  for (ReplicaHouse& house : houses_) house.Stop();
  store_.Stop();
  EXPECT_TRUE(world_.RunUntil(
      [this] {
        return store_.idle() && std::all_of(houses_.begin(), houses_.end(),
                                            [](const auto& house) { return house.idle(); });
      },
      seconds(60)))
      << world_.why_not();
}

ReplicaHouse& ReplicaStreet::Add() {
  const int number = static_cast<int>(houses_.size()) + 1;
  ReplicaHouse& house = houses_.emplace_back(
      network_, "house" + std::to_string(number), At(number), store_.address(),
      ReplicaHouse::Diary{
          .arrived = [this](const auto& at, const auto& guest) { Arrived(at, guest); },
          .left = [this](const auto& at, const auto& guest) { Left(at, guest); }});
  house.Start();
  return house;
}

void ReplicaStreet::Pass(io::Duration time) {
  const io::Time until = world_.Now() + time;
  world_.After(time, [] {});
  (void)world_.RunUntil([&] { return world_.Now() >= until; }, time + seconds(1));
}

void ReplicaStreet::Live(io::Duration time) {
  const io::Time until = world_.Now() + time;
  while (world_.Now() < until) {
    ReplicaHouse& house = AnyHouse();
    if (!house.killed()) {
      house.Visit("user" + std::to_string(dice_.Next() % kUsers), milliseconds(dice_.Next() % 300),
                  [this] { return static_cast<int>(dice_.Next() % kNodes); });
    }
    Pass(milliseconds(dice_.Next() % 60));
  }
}

void ReplicaStreet::Calm() {
  EXPECT_TRUE(world_.RunUntil(
      [this] {
        return std::all_of(houses_.begin(), houses_.end(),
                           [](const auto& house) { return house.killed() || house.open() == 0; });
      },
      seconds(60)))
      << world_.why_not();
}

void ReplicaStreet::KillOne() {
  ReplicaHouse& house = AnyHouse();
  if (house.killed()) return;
  house.Kill();
  std::erase_if(guests_, [&](const auto& each) { return each.house == &house; });
  Add();
}

size_t ReplicaStreet::visits() const {
  size_t count = 0;
  for (const ReplicaHouse& house : houses_) count += house.visits();
  return count;
}

ReplicaHouse& ReplicaStreet::AnyHouse() {
  return *std::next(houses_.begin(), static_cast<long>(dice_.Next() % houses_.size()));
}

void ReplicaStreet::Arrived(const ReplicaHouse& house, const ReplicaHouse::Guest& guest) {
  alone_ += guest.alone ? 1 : 0;
  for (const Entry& other : guests_) {
    if (other.guest.user != guest.user || other.guest.node == guest.node) continue;
    if (other.guest.alone || guest.alone) torn_.insert(guest.user);
    ++(torn_.contains(guest.user) ? excused_ : overlaps_);
  }
  guests_.push_back({&house, guest});
}

void ReplicaStreet::Left(const ReplicaHouse& house, const ReplicaHouse::Guest& guest) {
  const auto found = std::find_if(guests_.begin(), guests_.end(), [&](const Entry& each) {
    return each.house == &house && each.guest.user == guest.user && each.guest.node == guest.node;
  });
  if (found != guests_.end()) guests_.erase(found);
  std::set<int> nodes;
  for (const Entry& each : guests_) {
    if (each.guest.user == guest.user) nodes.insert(each.guest.node);
  }
  if (nodes.size() <= 1) torn_.erase(guest.user);
}

}  // namespace poplar::shared_state
