#include "tests/simulation/session_discovery.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tests/simulation/session_node.h"

namespace poplar::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr io::Duration kTtlMax = seconds(4);
// A round asks for a service and each of its hosts, one after the other.
constexpr io::Duration kRoundTakes = seconds(8);

upstream::DiscoveryOptions OptionsOf(const Places& places, const session::Settings& settings) {
  upstream::DiscoveryOptions options;
  options.name = NameServer::kName;
  options.service = places.by_service;
  options.port = SessionNode::kPort;
  options.ttl_min = milliseconds(500);
  options.ttl_max = kTtlMax;
  options.pattern.timeouts = settings.clusters.front()->nodes.front()->endpoint()->timeouts;
  return options;
}

}  // namespace

SessionDiscovery::SessionDiscovery(World& world, const Places& places, NameServer& names,
                                   const balancer::Affinity& affinity,
                                   std::shared_ptr<const session::Settings> settings,
                                   Publishes publishes, SitsDown sits_down)
    : world_(world),
      places_(places),
      names_(names),
      affinity_(affinity),
      settings_(std::move(settings)),
      sits_down_(std::move(sits_down)),
      newest_(settings_),
      actor_(world.log().AddActor("discovery")),
      present_(places.names.size()),
      stays_(places.names.size()) {
  newest_.OnPublished([publishes = std::move(publishes)](const auto& /*base*/, const auto& newest) {
    publishes(newest);
  });
}

upstream::Discovery& SessionDiscovery::Start(io::Proactor& machine, upstream::Observer& observer) {
  upstream::DiscoveryHost& host = *this;
  discovery_ =
      std::make_unique<upstream::Discovery>(machine, names_, *settings_->clusters.front(),
                                            OptionsOf(places_, *settings_), observer, host);
  return *discovery_;
}

void SessionDiscovery::Publish(const upstream::Cluster& cluster,
                               const std::vector<upstream::DiscoveredNode>& nodes) {
  for (const size_t number : places_.clusters.front().nodes) {
    const std::string& name = places_.names[number];
    const auto found = std::find_if(nodes.begin(), nodes.end(),
                                    [&name](const auto& node) { return node.node.name == name; });
    const bool present = found != nodes.end();
    if (present && !present_[number] && !names_.told(number))
      world_.Fail("a node that the name server didn't name takes users: " + name);
    if (!present && present_[number] && names_.told(number))
      world_.Fail("a node that the name server names takes no users any more: " + name);
    present_[number] = present;
    short_ |= !present && names_.told(number);
    if (present && (!stays_[number] || stays_[number]->address != found->address))
      stays_[number] = Stay{world_.Now(), found->address};
  }
  newest_.SetNodes(cluster.id, nodes);
}

std::optional<io::Address> SessionDiscovery::AddressSince(size_t node, io::Time since) const {
  const std::optional<Stay>& stay = stays_[node];
  if (!stay || stay->since > since) return std::nullopt;
  return stay->address;
}

void SessionDiscovery::MustHaveLeft(size_t node) const {
  if (present_[node])
    world_.Fail("a node still takes users that isn't named any more: " + places_.names[node]);
}

io::Duration SessionDiscovery::Slowness() { return kTtlMax + kTtlMax / 10 + 2 * kRoundTakes; }

bool SessionDiscovery::IsForgotten(balancer::NodeId seat) const {
  return !newest_.Knows(seat) && !affinity_.AnyOn(seat);
}

void SessionDiscovery::Note(std::string_view text, bool /*is_trouble*/) {
  world_.log().Note(world_.Now(), actor_, std::string(text));
}

}  // namespace poplar::simulation
