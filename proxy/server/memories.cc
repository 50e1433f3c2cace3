#include "proxy/server/memories.h"

#include <algorithm>
#include <string>

#include "proxy/server/build_nodes.h"

namespace poplar::server {
namespace {

// Of a node that DNS has told, nothing is configured.
balancer::AdminState ConfiguredState(const config::Config& config, std::string_view cluster,
                                     std::string_view node) {
  for (const config::ClusterConfig& each : config.clusters) {
    if (each.name != cluster) continue;
    for (const config::NodeConfig& member : each.nodes) {
      if (member.name == node) return AdminOf(member.state);
    }
  }
  return balancer::AdminState::kUp;
}

}  // namespace

handover::Memories Remember(const session::Settings& settings, const config::Config& config) {
  handover::Memories memories;
  for (const auto& cluster : settings.clusters) {
    for (const auto& node : cluster->nodes) {
      if (cluster->health.seat(node->id) == balancer::Seating::State::kVacant) continue;
      handover::NodeMemory memory{.cluster = cluster->name,
                                  .node = std::string(NameInCluster(*node->endpoint()))};
      const balancer::AdminState state = cluster->health.admin(node->id);
      if (state != ConfiguredState(config, memory.cluster, memory.node)) memory.said = state;
      memory.past = cluster->health.PastOf(node->id);
      memories.nodes.push_back(std::move(memory));
    }
  }
  for (size_t i = 0; settings.moves != nullptr && i < settings.moves->size(); ++i) {
    const balancer::Moves& moves = *settings.moves;
    if (moves.permille(i) != moves.rule(i).permille)
      memories.moves.push_back({moves.rule(i).name, moves.permille(i), moves.highest(i)});
  }
  return memories;
}

void Recall(const handover::Memories& memories, const session::Settings& settings, io::Time now) {
  for (const handover::NodeMemory& memory : memories.nodes) {
    const auto place = FindPlace(settings, memory.cluster, memory.node);
    if (!place) continue;
    balancer::ClusterHealth& health = settings.ClusterOf(place->cluster).health;
    if (memory.said) (void)health.SetAdmin(place->node, *memory.said, now.time_since_epoch());
    health.Restore(place->node, memory.past);
  }
  for (const handover::MoveMemory& memory : memories.moves) {
    const auto move = settings.moves == nullptr ? std::nullopt : settings.moves->Find(memory.name);
    if (!move) continue;
    settings.moves->SetPermille(*move, memory.highest);  // whoever was there once may still be
    settings.moves->SetPermille(*move, memory.permille);
  }
}

std::optional<handover::Places::Node> FindPlace(const session::Settings& settings,
                                                std::string_view cluster, std::string_view node) {
  const auto number = settings.nodes->FindCluster(cluster);
  if (!number) return std::nullopt;
  const upstream::Cluster& owner = settings.ClusterOf(*number);
  for (const auto& member : owner.nodes) {
    const bool vacant = owner.health.seat(member->id) == balancer::Seating::State::kVacant;
    if (!vacant && NameInCluster(*member->endpoint()) == node)
      return handover::Places::Node{*number, member->id};
  }
  return std::nullopt;
}

std::vector<handover::SlotCount> CountSlots(const session::Settings& settings) {
  std::vector<handover::SlotCount> slots;
  for (const auto& cluster : settings.clusters) {
    for (const auto& node : cluster->nodes) {
      const balancer::NodePool::Counts counts = node->pool.counts();
      if (node->pool.limits().size == 0) continue;
      slots.push_back({cluster->name, std::string(NameInCluster(*node->endpoint())),
                       counts.in_use + counts.taken_elsewhere});
    }
  }
  return slots;
}

}  // namespace poplar::server
