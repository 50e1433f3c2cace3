#include "proxy/server/route_now.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/config/named_item.h"
#include "proxy/config/quote.h"
#include "proxy/server/build_routing.h"
#include "proxy/server/route_answer.h"
#include "proxy/server/worker_answers.h"
#include "proxy/upstream/endpoint.h"

namespace poplar::server {
namespace {

// Less than clients of the admin endpoint are patient.
constexpr std::chrono::seconds kDirectoryPatience{4};

tl::unexpected<metrics::ApiFault> Fault(int status, std::string why) {
  return tl::unexpected(metrics::ApiFault{status, std::move(why)});
}

// With the nodes that have been discovered, as if they stood in the file.
config::Config WithNodes(const RunningParts& parts) {
  config::Config config = parts.config;
  for (size_t i = 0; i < config.clusters.size(); ++i) {
    if (!config.clusters[i].discovery.enabled()) continue;
    config.clusters[i].nodes.clear();
    const balancer::NodeTable& table = *parts.newest.nodes;
    for (size_t k = 0; k < table.clusters()[i].nodes.size(); ++k) {
      const balancer::Node& node = table.clusters()[i].nodes[k];
      const auto endpoint = parts.settings.NodeOf(table.NodeIds(i)[k]).endpoint();
      config.clusters[i].nodes.push_back({.name = node.name,
                                          .address = endpoint->address.Text(),
                                          .weight = static_cast<int>(node.weight)});
    }
  }
  return config;
}

directory::Answer AskDirectory(const RunningParts& parts, size_t index, const std::string& user) {
  const auto answer = std::make_shared<WorkerAnswers<directory::Answer>>(1);
  parts.workers.front()->AskDirectory(
      index, user, [answer](directory::Answer given) { answer->Give(std::move(given)); });
  auto given = answer->Wait(kDirectoryPatience);
  if (!given.answers.empty()) return std::move(given.answers.front());
  return {.text = "directory " + parts.config.directories[index].name + ": no answer within " +
                  std::to_string(kDirectoryPatience.count()) + " s"};
}

RouteSources SourcesNow(const RunningParts& parts, const config::Config& config) {
  const auto& targets = parts.settings.routing.targets;
  return {.in_map = [&parts, &targets](size_t rule, const balancer::CanonicalUser& user)
              -> tl::expected<std::optional<directory::Found>, std::string> {
            const auto map = parts.shared.maps->Get(targets[rule].index);
            const auto entry = map->Find(user.text());
            if (!entry) return std::nullopt;
            return directory::Found{.place = std::string(entry->place),
                                    .login = std::string(entry->login)};
          },
          .ask = [&parts, &targets](size_t rule, const balancer::CanonicalUser& user)
              -> std::optional<directory::Answer> {
            const size_t index = targets[rule].index;
            if (parts.config.directories[index].ldap.urls.empty()) return std::nullopt;
            return AskDirectory(parts, index, user.text());
          },
          .find_place = [&parts, &config](std::string_view name)
              -> tl::expected<RoutePlace, session::Routing::PlaceFault> {
            const auto place = parts.newest.routing.FindPlace(name);
            if (!place) return tl::unexpected(place.error());
            RoutePlace found{&config.clusters[static_cast<size_t>(place->cluster)], {}};
            if (place->node)
              found.node = upstream::NameInCluster(*parts.settings.NodeOf(*place->node).endpoint());
            return found;
          }};
}

void AddStates(const std::vector<metrics::ClusterView>& clusters, metrics::RouteView& route) {
  for (const metrics::ClusterView& cluster : clusters) {
    if (cluster.name != route.cluster) continue;
    for (metrics::RouteView::Choice& choice : route.choices) {
      const auto node =
          std::find_if(cluster.nodes.begin(), cluster.nodes.end(),
                       [&choice](const auto& each) { return each.name == choice.name; });
      if (node == cluster.nodes.end()) continue;
      choice.now = {.in_service = node->in_service,
                    .state = std::string(TextOf(node->state)),
                    .admin_state = std::string(TextOf(node->admin)),
                    .evidence = node->evidence};
    }
  }
}

// The rules may have changed since the session's login: it may be in any cluster.
void AddAffinity(const RunningParts& parts, const balancer::CanonicalUser& user,
                 metrics::RouteView& route) {
  for (const auto& cluster : parts.settings.clusters) {
    const auto node = parts.shared.affinity.NodeOf(cluster->id, user);
    if (!node) continue;
    route.session_cluster = cluster->name;
    route.session_node = upstream::NameInCluster(*parts.settings.NodeOf(*node).endpoint());
  }
}

}  // namespace

metrics::ApiResult<metrics::RouteView> RouteNow(const RunningParts& parts,
                                                const metrics::RouteQuery& query) {
  RouteArrival arrival{0, query.server_name};
  if (!query.listener.empty()) {
    arrival.listener = config::NumberOf(parts.config.listeners, query.listener);
    if (arrival.listener == parts.config.listeners.size())
      return Fault(400, config::UnknownName(parts.config.listeners, "listener", query.listener));
  }
  const auto user = balancer::CanonicalUser::FromLogin(
      query.user, parts.settings.canonical,
      DefaultDomainOf(parts.config, arrival.listener, arrival.server_name));
  if (!user) {
    return Fault(400, config::Quote(query.user) +
                          " cannot be a user: " + std::string(balancer::Text(user.error())));
  }
  const config::Config config = WithNodes(parts);
  const RouteSources sources = SourcesNow(parts, config);
  const auto no_rules = balancer::RouteTable::Build({});
  const balancer::Moves no_moves({});
  const auto& rules = parts.settings.routing.rules;
  auto route = AnswerRoute({.config = config,
                            .rules = rules == nullptr ? **no_rules : *rules,
                            .sources = sources,
                            .moves = parts.settings.moves ? *parts.settings.moves : no_moves,
                            .arrival = arrival},
                           query.user, *user);
  if (!route) return Fault(503, route.error());
  if (route->choices.empty())
    return Fault(503, "cluster " + route->cluster + ": none of its nodes is known yet");
  route->running = true;
  AddStates(parts.nodes, *route);
  AddAffinity(parts, *user, *route);
  return std::move(*route);
}

}  // namespace poplar::server
