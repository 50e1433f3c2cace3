// How a server takes over from the process before it, and hands over to the next.
#include <utility>

#include "proxy/server/memories.h"
#include "proxy/server/server.h"

namespace poplar::server {

// Clusters are there for the process's life.
handover::Places Server::PlacesNow() {
  return {.find = [this](std::string_view cluster,
                         std::string_view node) { return FindPlace(*settings_, cluster, node); },
          .name_of_cluster =
              [this](balancer::ClusterId cluster) { return settings_->ClusterOf(cluster).name; },
          .name_of_node =
              [this](balancer::NodeId node) {
                return std::string(NameInCluster(*settings_->NodeOf(node).endpoint()));
              }};
}

// --- the next process

void Server::Recall(const handover::Memories& memories) {
  server::Recall(memories, *newest_.Get(), clock_.Now());
  size_t elsewhere = 0;
  for (const handover::HeldUser& user : memories.users) elsewhere += ghosts_->Hold(user) ? 0 : 1;
  log_.Info("taken over: " + std::to_string(memories.users.size() - elsewhere) +
            " users are held where sessions of the old process have them");
  if (elsewhere == 0) return;
  log_.Warning(std::to_string(elsewhere) +
               " users have sessions of the old process on nodes that the configuration doesn't "
               "have any more: their next logins go to another node");
}

void Server::Follow(std::unique_ptr<handover::Predecessor> predecessor) {
  predecessor_ = std::move(predecessor);
  predecessor_->Serving();
  predecessor_->Listen(
      *ghosts_,
      [this](const handover::SlotCount& slots) {
        const auto place = FindPlace(*settings_, slots.cluster, slots.node);
        if (place) settings_->NodeOf(place->node).pool.SetTakenElsewhere(slots.count);
      },
      [this] {
        for (upstream::Node* node : settings_->upstream_nodes) node->pool.SetTakenElsewhere(0);
        log_.Info("the old process has ended");
      });
}

// --- the one before

std::shared_ptr<const tls::TicketKeys> Server::ticket_keys() const {
  const auto settings = newest_.Get();
  return settings->tls == nullptr ? nullptr : settings->tls->ticket_keys();
}

handover::Memories Server::Suspend() {
  // It waits for requests under way, and clients shouldn't.
  admin_.reset();
  listeners_->Suspend();
  SetVoice(false);
  handover::Memories memories = Remember(*newest_.Get(), *taken());
  memories.users = successor_->HandOver();
  return memories;
}

tl::expected<void, std::string> Server::Resume() {
  successor_->Disconnect();
  listeners_->Resume();
  SetVoice(true);
  return StartAdmin();
}

void Server::HandOver(io::ProcessChannel channel) {
  successor_->Connect(std::move(channel), [this] { return CountSlots(*settings_); });
}

}  // namespace poplar::server
