#include "proxy/cli/route_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "proxy/cli/json_string.h"
#include "proxy/cli/route_plan.h"
#include "proxy/config/effective.h"
#include "proxy/config/load.h"
#include "proxy/config/quote.h"
#include "proxy/config/suggestion.h"

namespace poplar::cli {
namespace {

int Fail(std::ostream& err, const std::string& text) {
  err << "poplar: error: " << text << "\n";
  return 1;
}

const config::ClusterConfig* FindCluster(const config::Config& config, std::string_view name) {
  if (name.empty()) name = config.listeners.front().cluster;
  if (name.empty()) return &config.clusters.front();
  const auto found = std::find_if(config.clusters.begin(), config.clusters.end(),
                                  [name](const auto& cluster) { return cluster.name == name; });
  return found == config.clusters.end() ? nullptr : &*found;
}

int FailForCluster(const config::Config& config, const std::string& name, std::ostream& err) {
  std::vector<std::string_view> names;
  names.reserve(config.clusters.size());
  for (const config::ClusterConfig& cluster : config.clusters) names.push_back(cluster.name);
  const std::string_view meant = config::NearestWord(name, names);
  return Fail(err, "unknown cluster " + config::Quote(name) +
                       (meant.empty() ? "" : "; did you mean " + config::Quote(meant) + "?"));
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
  const config::ClusterConfig& cluster;
  std::vector<RouteChoice> choices;
};

std::string Text(const Route& route) {
  size_t widest = 0;
  for (const RouteChoice& choice : route.choices) {
    widest = std::max(widest, choice.node->name.size());
  }
  std::string text = route.login;
  if (route.user.text() != route.login) text += " (" + route.user.text() + ")";
  text += ", cluster " + route.cluster.name + ":\n";
  size_t place = 0;
  for (const RouteChoice& choice : route.choices) {
    fmt::format_to(std::back_inserter(text), "{:>3}. {:<{}}  weight {:>4}  score {:>10.2f}  {}\n",
                   ++place, choice.node->name, widest, choice.node->weight, choice.score,
                   choice.reason);
  }
  return text;
}

std::string Json(const Route& route) {
  std::string json = fmt::format("{{\"user\":{},\"canonical\":{},\"cluster\":{},\"nodes\":[",
                                 JsonString(route.login), JsonString(route.user.text()),
                                 JsonString(route.cluster.name));
  for (const RouteChoice& choice : route.choices) {
    fmt::format_to(std::back_inserter(json),
                   "{}{{\"name\":{},\"address\":{},\"weight\":{},\"state\":\"{}\",\"cost\":{},"
                   "\"score\":{:.6f},\"reason\":{}}}",
                   &choice == &route.choices.front() ? "" : ",", JsonString(choice.node->name),
                   JsonString(choice.node->address), choice.node->weight,
                   StateName(choice.node->state), choice.cost, choice.score,
                   JsonString(choice.reason));
  }
  return json + "]}";
}

}  // namespace

int RunRoute(const RouteOptions& options, std::ostream& out, std::ostream& err) {
  const config::LoadResult loaded = config::LoadWithoutFiles(options.config_path);
  if (!loaded.ok()) {
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
    return 1;
  }
  const config::Config& config = loaded.config;
  const config::ClusterConfig* cluster = FindCluster(config, options.cluster);
  if (cluster == nullptr) return FailForCluster(config, options.cluster, err);

  const config::Duration hold_down = config::EffectiveHealth(config, *cluster).hold_down;
  int status = 0;
  std::string text;
  for (const std::string& login : options.users) {
    const auto user = balancer::CanonicalUser::FromLogin(login, {config.user_names.default_domain});
    if (!user) {
      status = Fail(err, config::Quote(login) +
                             " cannot be a user: " + std::string(balancer::Text(user.error())));
      continue;
    }
    const Route route{login, *user, *cluster, PlanRoute(*cluster, hold_down, *user)};
    const bool is_first = text.empty();
    if (options.format == RouteFormat::kJson) {
      text += (is_first ? "" : ",\n ") + Json(route);
    } else {
      text += (is_first ? "" : "\n") + Text(route);
    }
  }
  if (options.format == RouteFormat::kJson) text = "[" + text + "]\n";
  out << text << std::flush;
  return out.good() ? status : 1;
}

}  // namespace poplar::cli
