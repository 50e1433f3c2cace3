#include "proxy/server/build_routing.h"

#include <algorithm>
#include <fstream>
#include <string_view>
#include <utility>

#include "proxy/config/address_text.h"
#include "proxy/config/named_item.h"
#include "proxy/pop3/ascii.h"

namespace poplar::server {
namespace {

template <class T>
using Built = tl::expected<T, std::string>;
using Aliases = balancer::CanonicalRules::Aliases;

// Bounds what one file may take: more users than that belong in a user map.
constexpr size_t kAliasesMax = 1'000'000;

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), pop3::ToLower);
  return text;
}

// The words of a line without its comment.
std::vector<std::string> WordsOf(std::string_view line) {
  line = line.substr(0, line.find('#'));
  std::vector<std::string> words;
  constexpr std::string_view kBlanks = " \t\r";
  for (size_t at = line.find_first_not_of(kBlanks); at != line.npos;) {
    const size_t end = line.find_first_of(kBlanks, at);
    words.emplace_back(line.substr(at, end - at));
    at = line.find_first_not_of(kBlanks, end);
  }
  return words;
}

Built<Aliases> ReadAliases(const std::string& file, const balancer::CanonicalRules& rules) {
  std::ifstream in(file);
  if (!in) return tl::unexpected("user_names.aliases_file: " + file + " cannot be read");
  Aliases aliases;
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const std::string where = "user_names.aliases_file: " + file + ":" + std::to_string(number);
    const std::vector<std::string> words = WordsOf(line);
    if (words.empty()) continue;
    if (words.size() != 2)
      return tl::unexpected(where + ": two names are expected, a login name and a mailbox");
    const auto from = balancer::CanonicalUser::FromLogin(words[0], rules);
    const auto to = balancer::CanonicalUser::FromLogin(words[1], rules);
    if (!from || !to)
      return tl::unexpected(where + ": " + std::string(Text(from ? to.error() : from.error())));
    if (!aliases.try_emplace(from->text(), to->text()).second)
      return tl::unexpected(where + ": " + words[0] + " has stood in an earlier line already");
    if (aliases.size() > kAliasesMax) return tl::unexpected(where + ": too many aliases");
  }
  return aliases;
}

// A node's host as the configuration has it, and as it was found.
void AddHosts(const std::string& address, const session::Whereabouts& place,
              const io::Address& address_found, session::Routing& routing) {
  if (const auto written = config::ParseHostPort(address)) routing.AddHost(written->host, place);
  routing.AddHost(address_found.Host(), place);
}

// Where two nodes have one address, it is the first one's.
void SetPlaces(const config::Config& config, const NodeAddresses& addresses,
               session::Settings& settings) {
  auto& places = settings.routing.places;
  for (size_t i = 0; i < config.clusters.size(); ++i) {
    const config::ClusterConfig& cluster = config.clusters[i];
    const balancer::ClusterId id = *settings.nodes->FindCluster(cluster.name);
    places.try_emplace(Lower(cluster.name), session::Whereabouts{id, {}});
    const auto& nodes = settings.nodes->clusters()[i].nodes;
    for (size_t k = 0; k < nodes.size(); ++k) {
      const session::Whereabouts place{id, settings.nodes->NodeIds(i)[k]};
      const auto& listed = cluster.nodes[config::NumberOf(cluster.nodes, nodes[k].name)];
      const io::Address& address = addresses[i][k];
      places.try_emplace(Lower(cluster.name + "/" + listed.name), place);
      places.try_emplace(Lower(listed.address), place);
      places.try_emplace(Lower(address.Text()), place);
      AddHosts(listed.address, place, address, settings.routing);
    }
  }
}

size_t IndexOf(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

session::RouteTarget TargetOf(const config::Config& config, const config::RouteConfig& route,
                              const std::vector<std::string>& user_maps,
                              const session::Settings& settings) {
  using Kind = session::RouteTarget::Kind;
  if (!route.cluster.empty())
    return {Kind::kCluster, *settings.nodes->FindCluster(route.cluster), 0};
  if (!route.user_map.empty()) return {Kind::kUserMap, {}, IndexOf(user_maps, route.user_map)};
  const auto found = std::find_if(config.directories.begin(), config.directories.end(),
                                  [&](const auto& each) { return each.name == route.directory; });
  return {Kind::kDirectory, {}, static_cast<size_t>(found - config.directories.begin())};
}

balancer::RouteRule RuleOf(const config::Config& config, const config::RouteConfig& route) {
  balancer::RouteRule rule{route.name, route.domains, route.users, route.server_names, {}};
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    const auto& names = route.listeners;
    if (std::find(names.begin(), names.end(), config.listeners[i].name) != names.end())
      rule.listeners.push_back(i);
  }
  return rule;
}

// Maps and directories may send a user to any cluster; and a move on, sooner or later.
void SetReachable(session::Settings& settings) {
  using Kind = session::RouteTarget::Kind;
  const session::Routing& routing = settings.routing;
  for (session::ListenerSettings& listener : settings.listeners) {
    listener.clusters = {listener.cluster};
    const auto add = [&listener](balancer::ClusterId id) {
      auto& all = listener.clusters;
      if (std::find(all.begin(), all.end(), id) == all.end()) all.push_back(id);
    };
    for (size_t i = 0; i < routing.targets.size(); ++i) {
      const auto& only = routing.rules->rule(i).listeners;
      if (!only.empty() && std::find(only.begin(), only.end(), listener.index) == only.end())
        continue;
      if (routing.targets[i].kind == Kind::kCluster) {
        add(routing.targets[i].cluster);
      } else {
        for (const auto& cluster : settings.clusters) add(cluster->id);
      }
    }
    const auto said = listener.clusters;
    for (size_t i = 0; settings.moves != nullptr && i < settings.moves->size(); ++i) {
      const balancer::MoveRule& move = settings.moves->rule(i);
      if (std::find(said.begin(), said.end(), move.from) != said.end()) add(move.to);
    }
  }
}

}  // namespace

std::vector<std::string> UserMapFiles(const config::Config& config) {
  std::vector<std::string> files;
  for (const config::RouteConfig& route : config.routes) {
    if (!route.user_map.empty() && IndexOf(files, route.user_map) == files.size())
      files.push_back(route.user_map);
  }
  return files;
}

tl::expected<balancer::CanonicalRules, std::string> BuildCanonicalRules(
    const config::Config& config) {
  const config::UserNamesConfig& from = config.user_names;
  balancer::CanonicalRules rules{.default_domain = from.default_domain,
                                 .lower_case = from.letter_case == config::NameCase::kLower,
                                 .master_separator = from.master_separator,
                                 .detail_separator = from.detail_separator};
  for (const config::DomainAliasConfig& alias : from.domain_aliases)
    rules.domain_aliases[Lower(alias.domain)] = Lower(alias.same_as);
  if (from.aliases_file.empty()) return rules;
  auto aliases = ReadAliases(from.aliases_file, rules);
  if (!aliases) return tl::unexpected(aliases.error());
  rules.aliases = std::make_shared<const Aliases>(std::move(*aliases));
  return rules;
}

tl::expected<std::shared_ptr<const balancer::RouteTable>, std::string> BuildRules(
    const config::Config& config) {
  std::vector<balancer::RouteRule> rules;
  rules.reserve(config.routes.size());
  for (const config::RouteConfig& route : config.routes) rules.push_back(RuleOf(config, route));
  auto table = balancer::RouteTable::Build(std::move(rules));
  if (!table) {
    return tl::unexpected("route " + config.routes[table.error().rule].name +
                          ": users: " + table.error().text);
  }
  return std::move(*table);
}

tl::expected<std::shared_ptr<balancer::Moves>, std::string> BuildMoves(
    const config::Config& config, const balancer::CanonicalRules& names,
    absl::FunctionRef<balancer::ClusterId(const std::string& name)> id_of,
    const balancer::Moves* before) {
  std::vector<balancer::MoveRule> rules;
  for (const config::MoveConfig& from : config.moves) {
    balancer::MoveRule& rule = rules.emplace_back();
    rule = {.name = from.name,
            .from = id_of(from.from),
            .to = id_of(from.to),
            .users = {},
            .domains = from.domains,
            .permille = static_cast<uint32_t>(from.percent.permille)};
    for (const std::string& login : from.users) {
      const auto user = balancer::CanonicalUser::FromLogin(login, names);
      if (!user) return tl::unexpected("move " + from.name + ": users: " + login + " is no user");
      rule.users.push_back(user->text());
    }
  }
  return std::make_shared<balancer::Moves>(std::move(rules), before);
}

std::string_view DefaultDomainOf(const config::Config& config, size_t listener,
                                 std::string_view server_name) {
  for (const config::ServerNameConfig& name : config.user_names.server_names) {
    if (pop3::EqualsIgnoringCase(name.name, server_name)) return name.default_domain;
  }
  return config.listeners[listener].default_domain;
}

tl::expected<void, std::string> SetRouting(const config::Config& config, const RoutingParts& parts,
                                           session::Settings& settings) {
  auto names = BuildCanonicalRules(config);
  if (!names) return tl::unexpected(names.error());
  settings.canonical = std::move(*names);
  for (const config::ServerNameConfig& name : config.user_names.server_names)
    settings.domains_by_server_name[Lower(name.name)] = name.default_domain;
  for (size_t i = 0; i < config.listeners.size(); ++i)
    settings.listeners[i].default_domain = config.listeners[i].default_domain;
  SetPlaces(config, parts.addresses, settings);
  auto rules = BuildRules(config);
  if (!rules) return tl::unexpected(rules.error());
  if ((*rules)->size() > 0) settings.routing.rules = std::move(*rules);
  for (const config::RouteConfig& route : config.routes)
    settings.routing.targets.push_back(TargetOf(config, route, parts.user_maps, settings));
  auto moves = BuildMoves(
      config, settings.canonical,
      [&settings](const std::string& name) { return *settings.nodes->FindCluster(name); },
      parts.moves_before);
  if (!moves) return tl::unexpected(moves.error());
  if ((*moves)->size() > 0) settings.moves = std::move(*moves);
  SetReachable(settings);
  return {};
}

}  // namespace poplar::server
