#include "proxy/server/route_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "balancer/rendezvous.h"
#include "proxy/config/units.h"

namespace poplar::server {
namespace {

using config::NodeState;

constexpr double kCostUnit = 0x1p-48;  // of balancer's costs

std::vector<RouteChoice> Rank(const config::ClusterConfig& cluster,
                              const balancer::CanonicalUser& user) {
  std::vector<balancer::WeightedNode> nodes;
  nodes.reserve(cluster.nodes.size());
  for (const config::NodeConfig& node : cluster.nodes) {
    nodes.emplace_back(node.name, static_cast<uint32_t>(node.weight));
  }
  std::vector<balancer::Ranked> order(nodes.size());
  balancer::RankNodes(user.text(), nodes, order);
  std::vector<RouteChoice> choices;
  for (const balancer::Ranked& ranked : order) {
    const config::NodeConfig& node = cluster.nodes[ranked.index];
    choices.push_back(
        {&node, ranked.cost, node.weight / (static_cast<double>(ranked.cost) * kCostUnit), {}});
  }
  return choices;
}

std::string Ordinal(size_t number) {
  const size_t tens = number / 10 % 10;
  const size_t ones = number % 10;
  const char* ending = tens == 1   ? "th"
                       : ones == 1 ? "st"
                       : ones == 2 ? "nd"
                       : ones == 3 ? "rd"
                                   : "th";
  return fmt::format("{}{}", number, ending);
}

std::string HighestScore(size_t nodes) {
  return nodes == 1 ? "the only node" : fmt::format("highest score of {} nodes", nodes);
}

// Users move to no other node.
void ExplainWithoutSharing(std::vector<RouteChoice>& choices) {
  for (RouteChoice& choice : choices) choice.reason = "never: shared_storage is no";
  RouteChoice& home = choices.front();
  const std::string otherwise = "the user is told to try again later, as shared_storage is no";
  switch (home.node->state) {
    case NodeState::kUp:
      home.reason = "home: " + HighestScore(choices.size());
      break;
    case NodeState::kDrain:
      home.reason = "home, but drained: without a session there " + otherwise;
      break;
    case NodeState::kDown:
      home.reason = "home, but down: " + otherwise;
      break;
  }
}

// The nodes already passed on the way down the order.
struct Passed {
  std::string first_up;  // the name of the home
  size_t up = 0;
  size_t all = 0;
};

std::string ExplainHome(const Passed& passed, size_t nodes) {
  if (passed.all == 0) return "home: " + HighestScore(nodes);
  return fmt::format("home, as {} not up: highest score of the rest",
                     passed.all == 1 ? "the node before it is"
                                     : fmt::format("the {} nodes before it are", passed.all));
}

std::string ExplainFailover(const Passed& passed, config::Duration hold_down) {
  std::string text = Ordinal(passed.up + 1) + " choice; only ";
  const std::string before = passed.up == 1   ? passed.first_up
                             : passed.up == 2 ? "both choices before it"
                                              : fmt::format("all {} choices before it", passed.up);
  const std::string_view verb = passed.up == 1 ? "has" : "have";
  if (hold_down == config::Duration::zero()) {
    return text + fmt::format("when {} {} gone out", before, verb);
  }
  return text + fmt::format("after {} {} been out for hold_down {}", before, verb,
                            config::FormatDuration(hold_down));
}

std::string ExplainLoad(const Passed& passed, size_t nodes) {
  if (nodes == 1) return "the only node";
  if (passed.up == 0) {
    return "1st choice: " +
           (passed.all == 0 ? HighestScore(nodes) : std::string("highest score of those up")) +
           "; until it has 1.25 times its share of the sessions";
  }
  return fmt::format("{} choice; while {} out or above 1.25 times its share of the sessions",
                     Ordinal(passed.up + 1),
                     passed.up == 1 ? passed.first_up + " is" : "each choice before it is");
}

void Explain(const config::ClusterConfig& cluster, config::Duration hold_down,
             std::vector<RouteChoice>& choices) {
  Passed passed;
  for (RouteChoice& choice : choices) {
    if (choice.node->state == NodeState::kDrain) {
      choice.reason = "drained: takes no new users";
    } else if (choice.node->state == NodeState::kDown) {
      choice.reason = "down: takes nobody";
    } else {
      if (cluster.affinity == config::Affinity::kNone) {
        choice.reason = ExplainLoad(passed, choices.size());
      } else if (passed.up == 0) {
        choice.reason = ExplainHome(passed, choices.size());
      } else {
        choice.reason = ExplainFailover(passed, hold_down);
      }
      if (choice.node->weight == 0) choice.reason += " (weight 0: behind all that have one)";
      if (passed.up++ == 0) passed.first_up = choice.node->name;
    }
    ++passed.all;
  }
}

}  // namespace

std::vector<RouteChoice> PlanRoute(const config::ClusterConfig& cluster, config::Duration hold_down,
                                   const balancer::CanonicalUser& user, std::string_view own) {
  std::vector<RouteChoice> choices = Rank(cluster, user);
  const auto first = std::find_if(choices.begin(), choices.end(),
                                  [own](const auto& choice) { return choice.node->name == own; });
  const bool has_own = first != choices.end();
  if (has_own) std::rotate(choices.begin(), first, first + 1);
  if (choices.empty()) return choices;
  if (cluster.shared_storage) {
    Explain(cluster, hold_down, choices);
  } else {
    ExplainWithoutSharing(choices);
  }
  if (has_own && choices.front().node->state == NodeState::kUp)
    choices.front().reason = "home: the user's own node, whatever the scores";
  return choices;
}

}  // namespace poplar::server
