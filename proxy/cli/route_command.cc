#include "proxy/cli/route_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "balancer/moves.h"
#include "metrics/text_table.h"
#include "proxy/cli/json_string.h"
#include "proxy/cli/named_item.h"
#include "proxy/cli/route_discovery.h"
#include "proxy/cli/route_find.h"
#include "proxy/cli/route_move.h"
#include "proxy/cli/route_plan.h"
#include "proxy/cli/running_poplar.h"
#include "proxy/config/effective.h"
#include "proxy/config/load.h"
#include "proxy/config/quote.h"
#include "proxy/config/units.h"
#include "proxy/server/build_routing.h"

namespace poplar::cli {
namespace {

int Fail(std::ostream& err, const std::string& text) {
  err << "poplar: error: " << text << "\n";
  return 1;
}

std::string_view StateName(config::NodeState state) {
  for (const auto& known : config::kNodeStateNames) {
    if (known.value == state) return known.name;
  }
  return "";
}

// One user's answer, whichever way it is written.
struct Route {
  const std::string& login;
  const balancer::CanonicalUser& user;
  FoundRoute found;
  std::string asked;  // of name servers, and what came of it; empty: nothing was
  std::optional<FoundMove> move;
  std::vector<RouteChoice> choices;
  const RunningPoplar* running = nullptr;  // null: none answers

  const RunningPoplar::Node* Now(const RouteChoice& choice) const {
    return running == nullptr ? nullptr : running->Find(found.cluster->name, choice.node->name);
  }
};

std::string Percent(uint32_t permille) {
  return config::FormatPercent({static_cast<int>(permille)});
}

std::string MoveText(const FoundMove& move) {
  return fmt::format(
      "  (move {}, from {} to {}: {} percent are moved, this user once it is more "
      "than {})\n",
      move.name, move.from, move.to, Percent(move.permille), Percent(move.place));
}

// "in service", or what keeps users away.
std::string NowText(const RunningPoplar::Node& node) {
  if (node.in_service) return "in service";
  const std::string& why = node.admin_state == "up" ? node.state : node.admin_state;
  return "out of service: " + metrics::Printable(why) +
         (node.evidence.empty() ? "" : " (" + metrics::Printable(node.evidence) + ")");
}

std::string Text(const Route& route) {
  size_t widest = 0;
  for (const RouteChoice& choice : route.choices) {
    widest = std::max(widest, choice.node->name.size());
  }
  std::string text = route.login;
  if (route.user.text() != route.login) text += " (" + route.user.text() + ")";
  text += ", cluster " + route.found.cluster->name;
  if (!route.found.rule.empty()) text += ", by route " + route.found.rule;
  if (route.move && route.move->is_moved) text += ", by move " + route.move->name;
  if (!route.found.login.empty()) text += ", there called " + route.found.login;
  text += ":\n";
  for (const std::string& passed : route.found.passed) text += "  (" + passed + ")\n";
  if (!route.asked.empty()) text += "  (asked just now: " + route.asked + ")\n";
  if (route.move) text += MoveText(*route.move);
  size_t place = 0;
  for (const RouteChoice& choice : route.choices) {
    fmt::format_to(std::back_inserter(text), "{:>3}. {:<{}}  weight {:>4}  score {:>10.2f}  {}",
                   ++place, choice.node->name, widest, choice.node->weight, choice.score,
                   choice.reason);
    const RunningPoplar::Node* const now = route.Now(choice);
    text += now == nullptr ? "\n" : "; now " + NowText(*now) + "\n";
  }
  return text;
}

// A name, or null.
std::string JsonName(const std::string& name) { return name.empty() ? "null" : JsonString(name); }

std::string Json(const FoundMove& move) {
  return fmt::format(R"({{"name":{},"from":{},"to":{},"percent":{},"moved_above":{},"moved":{}}})",
                     JsonString(move.name), JsonString(move.from), JsonString(move.to),
                     Percent(move.permille), Percent(move.place), move.is_moved);
}

std::string Json(const RunningPoplar::Node& node) {
  return fmt::format(R"({{"in_service":{},"state":{},"admin_state":{},"evidence":{}}})",
                     node.in_service, JsonString(node.state), JsonString(node.admin_state),
                     JsonString(node.evidence));
}

std::string Json(const Route& route) {
  std::string directories;
  for (const std::string& name : route.found.directories)
    directories.append(directories.empty() ? "" : ",").append(JsonString(name));
  std::string json = fmt::format(
      "{{\"user\":{},\"canonical\":{},\"route\":{},\"asks_first\":[{}],\"cluster\":{},\"node\":{},"
      "\"login\":{},\"move\":{},\"running\":{},\"asked_now\":{},\"nodes\":[",
      JsonString(route.login), JsonString(route.user.text()), JsonName(route.found.rule),
      directories, JsonString(route.found.cluster->name), JsonName(route.found.node),
      JsonName(route.found.login), route.move ? Json(*route.move) : "null",
      route.running != nullptr, JsonName(route.asked));
  for (const RouteChoice& choice : route.choices) {
    const RunningPoplar::Node* const now = route.Now(choice);
    fmt::format_to(std::back_inserter(json),
                   "{}{{\"name\":{},\"address\":{},\"weight\":{},\"state\":\"{}\",\"cost\":{},"
                   "\"score\":{:.6f},\"reason\":{},\"now\":{}}}",
                   &choice == &route.choices.front() ? "" : ",", JsonString(choice.node->name),
                   JsonString(choice.node->address), choice.node->weight,
                   StateName(choice.node->state), choice.cost, choice.score,
                   JsonString(choice.reason), now == nullptr ? "null" : Json(*now));
  }
  return json + "]}";
}

// What holds for all users.
struct Plan {
  const config::Config& config;
  std::shared_ptr<const balancer::RouteTable> rules;
  balancer::CanonicalRules names;
  RouteArrival arrival;
  const std::map<std::string, AskedForNodes>& asked;
  const config::ClusterConfig* cluster = nullptr;  // null: as the rules say
  std::shared_ptr<const balancer::Moves> moves = {};
  tl::expected<RunningPoplar, std::string> running = {};
};

tl::expected<Route, std::string> RouteOf(const Plan& plan, const std::string& login,
                                         const balancer::CanonicalUser& user) {
  FoundRoute found;
  found.cluster = plan.cluster;
  if (plan.cluster == nullptr) {
    auto by_rules = FindRoute(plan.config, *plan.rules, user, plan.arrival);
    if (!by_rules) return tl::unexpected(by_rules.error());
    found = std::move(*by_rules);
  }
  std::optional<FoundMove> move;
  if (plan.cluster == nullptr) move = FollowMove(plan.config, *plan.moves, user, found);
  const auto hold_down = config::EffectiveHealth(plan.config, *found.cluster).hold_down;
  const auto asked = plan.asked.find(found.cluster->name);
  if (asked != plan.asked.end() && !asked->second.ok)
    return tl::unexpected("cluster " + asked->first + ": no node is known: " + asked->second.text);
  auto choices = PlanRoute(*found.cluster, hold_down, user, found.node);
  return Route{login,
               user,
               std::move(found),
               asked == plan.asked.end() ? std::string() : asked->second.text,
               std::move(move),
               std::move(choices),
               plan.running ? &*plan.running : nullptr};
}

// From where what is said of this moment comes.
std::string SourceText(const Plan& plan) {
  if (plan.running)
    return "Moves and nodes as the Poplar at " + plan.config.admin.address + " has them now.\n";
  return "No running Poplar is asked (" + plan.running.error() +
         "): moves as in the file, and how the nodes are now isn't known.\n";
}

int Print(const Plan& plan, const RouteOptions& options, std::ostream& out, std::ostream& err) {
  int status = 0;
  std::string text;
  const std::string_view domain =
      server::DefaultDomainOf(plan.config, plan.arrival.listener, plan.arrival.server_name);
  for (const std::string& login : options.users) {
    const auto user = balancer::CanonicalUser::FromLogin(login, plan.names, domain);
    if (!user) {
      status = Fail(err, config::Quote(login) +
                             " cannot be a user: " + std::string(balancer::Text(user.error())));
      continue;
    }
    const auto route = RouteOf(plan, login, *user);
    if (!route) {
      status = Fail(err, route.error());
      continue;
    }
    const bool is_first = text.empty();
    if (options.format == RouteFormat::kJson) {
      text += (is_first ? "" : ",\n ") + Json(*route);
    } else {
      text += (is_first ? "" : "\n") + Text(*route);
    }
  }
  if (options.format == RouteFormat::kJson) {
    text = "[" + text + "]\n";
  } else if (!text.empty()) {
    text += "\n" + SourceText(plan);
  }
  out << text << std::flush;
  return out.good() ? status : 1;
}

}  // namespace

int RunRoute(const RouteOptions& options, std::ostream& out, std::ostream& err) {
  config::LoadResult loaded = config::LoadWithoutFiles(options.config_path);
  if (!loaded.ok()) {
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
    return 1;
  }
  const config::Config& config = loaded.config;
  const auto asked = AskForNodes(loaded.config);
  Plan plan{.config = config,
            .rules = {},
            .names = {},
            .arrival = {0, options.server_name},
            .asked = asked};
  if (!options.cluster.empty()) {
    const size_t number = NumberOf(config.clusters, options.cluster);
    if (number == config.clusters.size())
      return Fail(err, UnknownName(config.clusters, "cluster", options.cluster));
    plan.cluster = &config.clusters[number];
  }
  if (!options.listener.empty()) {
    plan.arrival.listener = NumberOf(config.listeners, options.listener);
    if (plan.arrival.listener == config.listeners.size())
      return Fail(err, UnknownName(config.listeners, "listener", options.listener));
  }
  auto names = server::BuildCanonicalRules(config);
  if (!names) return Fail(err, names.error());
  plan.names = std::move(*names);
  auto rules = server::BuildRules(config);
  if (!rules) return Fail(err, rules.error());
  plan.rules = std::move(*rules);
  plan.running = AskRunningPoplar(config);
  auto moves = MovesNow(config, plan.names, plan.running ? &*plan.running : nullptr);
  if (!moves) return Fail(err, moves.error());
  plan.moves = std::move(*moves);
  return Print(plan, options, out, err);
}

}  // namespace poplar::cli
