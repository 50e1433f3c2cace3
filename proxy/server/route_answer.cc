#include "proxy/server/route_answer.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "proxy/config/effective.h"
#include "proxy/server/route_move.h"
#include "proxy/server/route_plan.h"

namespace poplar::server {
namespace {

std::string_view StateName(config::NodeState state) {
  const auto* const known =
      std::find_if(std::begin(config::kNodeStateNames), std::end(config::kNodeStateNames),
                   [state](const auto& name) { return name.value == state; });
  return known == std::end(config::kNodeStateNames) ? std::string_view() : known->name;
}

}  // namespace

tl::expected<metrics::RouteView, std::string> AnswerRoute(const RouteBasis& basis,
                                                          const std::string& login,
                                                          const balancer::CanonicalUser& user) {
  metrics::RouteView view{.login = login, .canonical = user.text()};
  RoutePlace place{basis.cluster, {}};
  if (basis.cluster == nullptr) {
    auto found = FindRoute(basis.config, basis.rules, basis.sources, user, basis.arrival);
    if (!found) return tl::unexpected(found.error());
    view.rule = std::move(found->rule);
    view.directories = std::move(found->directories);
    view.passed = std::move(found->passed);
    view.node_login = std::move(found->login);
    place = std::move(found->place);
    view.move = FollowMove(basis.config, basis.moves, user, place);
  }
  view.cluster = place.cluster->name;
  view.node = place.node;
  const auto hold_down = config::EffectiveHealth(basis.config, *place.cluster).hold_down;
  for (RouteChoice& choice : PlanRoute(*place.cluster, hold_down, user, place.node)) {
    view.choices.push_back({.name = choice.node->name,
                            .address = choice.node->address,
                            .weight = choice.node->weight,
                            .state = StateName(choice.node->state),
                            .cost = choice.cost,
                            .score = choice.score,
                            .reason = std::move(choice.reason),
                            .now = {}});
  }
  return view;
}

}  // namespace poplar::server
