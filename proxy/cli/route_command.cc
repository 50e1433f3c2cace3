#include "proxy/cli/route_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "balancer/moves.h"
#include "metrics/move_page.h"
#include "metrics/route_page.h"
#include "metrics/text_table.h"
#include "proxy/cli/fail.h"
#include "proxy/cli/route_discovery.h"
#include "proxy/cli/route_move.h"
#include "proxy/cli/route_sources.h"
#include "proxy/cli/running_poplar.h"
#include "proxy/config/load.h"
#include "proxy/config/named_item.h"
#include "proxy/config/quote.h"
#include "proxy/server/build_routing.h"
#include "proxy/server/route_answer.h"

namespace poplar::cli {
namespace {

using metrics::RouteView;

std::string MoveText(const RouteView::Move& move) {
  return fmt::format(
      "  (move {}, from {} to {}: {} percent are moved, this user once it is more "
      "than {})\n",
      move.name, move.from, move.to, metrics::PercentText(move.permille),
      metrics::PercentText(move.place));
}

// "in service", or what keeps users away.
std::string NowText(const RouteView::Now& node) {
  if (node.in_service) return "in service";
  const std::string& why = node.admin_state == "up" ? node.state : node.admin_state;
  return "out of service: " + metrics::Printable(why) +
         (node.evidence.empty() ? "" : " (" + metrics::Printable(node.evidence) + ")");
}

std::string Text(const RouteView& route) {
  size_t widest = 0;
  for (const RouteView::Choice& choice : route.choices)
    widest = std::max(widest, choice.name.size());
  std::string text = route.login;
  if (route.canonical != route.login) text += " (" + route.canonical + ")";
  text += ", cluster " + route.cluster;
  if (!route.rule.empty()) text += ", by route " + route.rule;
  if (route.move && route.move->is_moved) text += ", by move " + route.move->name;
  if (!route.node_login.empty()) text += ", there called " + route.node_login;
  text += ":\n";
  for (const std::string& passed : route.passed) text += "  (" + passed + ")\n";
  if (!route.asked.empty()) text += "  (asked just now: " + route.asked + ")\n";
  if (route.move) text += MoveText(*route.move);
  size_t place = 0;
  for (const RouteView::Choice& choice : route.choices) {
    fmt::format_to(std::back_inserter(text), "{:>3}. {:<{}}  weight {:>4}  score {:>10.2f}  {}",
                   ++place, choice.name, widest, choice.weight, choice.score, choice.reason);
    text += choice.now ? "; now " + NowText(*choice.now) + "\n" : "\n";
  }
  return text;
}

// What holds for all users.
struct Plan {
  const config::Config& config;
  std::shared_ptr<const balancer::RouteTable> rules;
  balancer::CanonicalRules names;
  server::RouteArrival arrival;
  const std::map<std::string, AskedForNodes>& asked;
  server::RouteSources sources;
  const config::ClusterConfig* cluster = nullptr;  // null: as the rules say
  std::shared_ptr<const balancer::Moves> moves = {};
  tl::expected<RunningPoplar, std::string> running = {};
};

tl::expected<RouteView, std::string> RouteOf(const Plan& plan, const std::string& login,
                                             const balancer::CanonicalUser& user) {
  auto route = server::AnswerRoute({.config = plan.config,
                                    .rules = *plan.rules,
                                    .sources = plan.sources,
                                    .moves = *plan.moves,
                                    .arrival = plan.arrival,
                                    .cluster = plan.cluster},
                                   login, user);
  if (!route) return route;
  const auto asked = plan.asked.find(route->cluster);
  if (asked != plan.asked.end() && !asked->second.ok)
    return tl::unexpected("cluster " + asked->first + ": no node is known: " + asked->second.text);
  if (asked != plan.asked.end()) route->asked = asked->second.text;
  route->running = plan.running.has_value();
  for (RouteView::Choice& choice : route->choices) {
    const RunningPoplar::Node* const now =
        plan.running ? plan.running->Find(route->cluster, choice.name) : nullptr;
    if (now == nullptr) continue;
    choice.now = {.in_service = now->in_service,
                  .state = now->state,
                  .admin_state = now->admin_state,
                  .evidence = now->evidence};
  }
  return route;
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
      text += (is_first ? "" : ",\n ") + RouteAsJson(*route, metrics::Unknown::kNull);
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
            .asked = asked,
            .sources = SourcesOf(config)};
  if (!options.cluster.empty()) {
    const size_t number = config::NumberOf(config.clusters, options.cluster);
    if (number == config.clusters.size())
      return Fail(err, config::UnknownName(config.clusters, "cluster", options.cluster));
    plan.cluster = &config.clusters[number];
  }
  if (!options.listener.empty()) {
    plan.arrival.listener = config::NumberOf(config.listeners, options.listener);
    if (plan.arrival.listener == config.listeners.size())
      return Fail(err, config::UnknownName(config.listeners, "listener", options.listener));
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
