#include "tests/simulation/places.h"

#include <algorithm>

#include "tests/simulation/session_node.h"

namespace poplar::simulation {
namespace {

constexpr size_t kNodes = 3;
// Few, as every node costs its probes.
constexpr size_t kNodesOfTwoClusters = 2;

void AddCluster(Places& places, std::string name, size_t nodes, uint32_t seats) {
  Places::Cluster& cluster = places.clusters.emplace_back();
  cluster.name = std::move(name);
  cluster.seats = seats;
  for (size_t i = 0; i < nodes; ++i) {
    const size_t number = places.names.size();
    cluster.nodes.push_back(number);
    // As discovery calls them.
    const bool by_address = seats > 0 && !places.by_service;
    places.names.push_back(by_address ? SessionNode::AddressOf(number, 0).Host()
                                      : "n" + std::to_string(number));
  }
}

}  // namespace

size_t Places::ClusterOf(size_t node) const {
  for (size_t i = 0; i < clusters.size(); ++i) {
    const std::vector<size_t>& nodes = clusters[i].nodes;
    if (std::find(nodes.begin(), nodes.end(), node) != nodes.end()) return i;
  }
  return clusters.size();
}

Places DrawPlaces(World& world, bool spared) {
  SeededRandom random = world.Stream("places");
  const bool moves = random.Chance(0.2) && world.Allows("moves");
  const bool discovers = random.Chance(0.2) && world.Allows("discovery");
  Places places;
  places.by_service = random.Chance(0.6);
  const auto seats = static_cast<uint32_t>(random.Between(2, 3));
  const size_t candidates = random.Between(seats + 1, 5);
  if (discovers) {
    AddCluster(places, "mail", candidates, seats);
  } else {
    AddCluster(places, "mail", moves ? kNodesOfTwoClusters : kNodes, 0);
  }
  const size_t next = random.Between(spared ? kNodesOfTwoClusters : 1, kNodesOfTwoClusters);
  if (moves) AddCluster(places, "next", next, 0);
  return places;
}

}  // namespace poplar::simulation
