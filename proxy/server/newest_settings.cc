#include "proxy/server/newest_settings.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "proxy/pop3/ascii.h"

namespace poplar::server {
namespace {

// By all names that maps and directories may know the node by. Where two nodes have one, it is the
// first one's.
void AddPlaces(const std::string& cluster, const upstream::DiscoveredNode& node,
               const session::Whereabouts& place, session::Routing& routing) {
  auto& places = routing.places;
  std::string name = cluster + "/" + node.node.name;
  std::transform(name.begin(), name.end(), name.begin(), pop3::ToLower);
  places.try_emplace(std::move(name), place);
  places.try_emplace(node.address.Text(), place);
  routing.AddHost(node.address.Host(), place);
  if (node.host.empty()) return;
  places.try_emplace(node.host + ":" + std::to_string(node.address.port()), place);
  routing.AddHost(node.host, place);
}

}  // namespace

NewestSettings::NewestSettings(Settings base)
    : base_(std::move(base)), nodes_(base_->nodes->clusters().size()), newest_(Build()) {}

NewestSettings::Settings NewestSettings::Get() const {
  const std::lock_guard lock(mutex_);
  return newest_;
}

NewestSettings::Settings NewestSettings::Base() const {
  const std::lock_guard lock(mutex_);
  return base_;
}

void NewestSettings::SetBase(Settings base) {
  const std::lock_guard lock(mutex_);
  base_ = std::move(base);
  Publish();
}

void NewestSettings::SetNodes(balancer::ClusterId cluster,
                              const std::vector<upstream::DiscoveredNode>& nodes) {
  const std::lock_guard lock(mutex_);
  nodes_[static_cast<size_t>(cluster)] = nodes;
  Publish();
}

void NewestSettings::Publish() {
  std::erase_if(older_, [](const auto& settings) { return settings.expired(); });
  older_.emplace_back(newest_);
  newest_ = Build();
  if (tell_) tell_(base_, newest_);
}

NewestSettings::Settings NewestSettings::Build() const {
  auto settings = std::make_shared<session::Settings>(*base_);
  std::vector<balancer::Cluster> clusters = base_->nodes->clusters();
  for (size_t i = 0; i < clusters.size(); ++i) {
    for (const upstream::DiscoveredNode& node : nodes_[i]) {
      clusters[i].nodes.push_back(node.node);
      const balancer::NodeId seat = base_->nodes->SeatIds(i)[node.node.seat];
      AddPlaces(clusters[i].name, node, {balancer::ClusterId(i), seat}, settings->routing);
    }
  }
  auto table = balancer::NodeTable::Build(std::move(clusters), base_->nodes.get());
  assert(table);
  settings->nodes = std::move(*table);
  return settings;
}

bool NewestSettings::Knows(balancer::NodeId seat) const {
  const auto has = [seat](const std::shared_ptr<const session::Settings>& settings) {
    return settings != nullptr && settings->nodes->FindNode(seat) != nullptr;
  };
  const std::lock_guard lock(mutex_);
  return has(newest_) || std::any_of(older_.begin(), older_.end(),
                                     [&has](const auto& older) { return has(older.lock()); });
}

}  // namespace poplar::server
