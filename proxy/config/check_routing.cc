#include "proxy/config/check_routing.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "balancer/canonical_user.h"
#include "balancer/route_table.h"
#include "proxy/config/address_text.h"
#include "proxy/config/positions.h"
#include "proxy/config/quote.h"
#include "proxy/config/suggestion.h"

namespace poplar::config {
namespace {

constexpr std::string_view kDomainForm = "a domain such as example.org";
constexpr std::string_view kUserForm = "a user such as anna@example.org";
constexpr std::string_view kSeparatorForm = "a character such as * or +";

void CheckDomain(const std::string& domain, const std::string& path, Findings& findings) {
  if (findings.IsUnread(path) || IsHostName(domain)) return;
  findings.Error(path, Quote(domain) + " is not a domain", std::string(kDomainForm));
}

void CheckSeparator(const std::string& separator, const std::string& path, Findings& findings) {
  const bool unfit = std::any_of(separator.begin(), separator.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f || c == '@';
  });
  if (unfit)
    findings.Error(path, Quote(separator) + " is no separator", std::string(kSeparatorForm));
}

void CheckUserNames(const Config& config, Findings& findings) {
  const UserNamesConfig& names = config.user_names;
  const std::string section = "user_names";
  if (!names.default_domain.empty())
    CheckDomain(names.default_domain, section + ".default_domain", findings);
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    const std::string& domain = config.listeners[i].default_domain;
    if (!domain.empty())
      CheckDomain(domain, ItemPath("listeners", i) + ".default_domain", findings);
  }
  for (size_t i = 0; i < names.server_names.size(); ++i) {
    const std::string path = ItemPath(section + ".server_names", i);
    CheckDomain(names.server_names[i].name, path + ".name", findings);
    CheckDomain(names.server_names[i].default_domain, path + ".default_domain", findings);
  }
  for (size_t i = 0; i < names.domain_aliases.size(); ++i) {
    const std::string path = ItemPath(section + ".domain_aliases", i);
    CheckDomain(names.domain_aliases[i].domain, path + ".domain", findings);
    CheckDomain(names.domain_aliases[i].same_as, path + ".same_as", findings);
  }
  CheckSeparator(names.master_separator, section + ".master_separator", findings);
  CheckSeparator(names.detail_separator, section + ".detail_separator", findings);
}

// The name must be one of the items'.
template <class Struct>
void CheckReference(const std::string& name, const std::vector<Struct>& items,
                    std::string_view what, const std::string& path, Findings& findings) {
  if (findings.IsUnread(path)) return;
  std::vector<std::string_view> known;
  known.reserve(items.size());
  for (const Struct& item : items) known.push_back(item.name);
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  findings.Error(path, "unknown " + std::string(what) + " " + Quote(name),
                 "the name of a " + std::string(what) + " in this file",
                 std::string(NearestWord(name, known)));
}

void CheckConditions(const Config& config, const RouteConfig& route, const std::string& path,
                     Findings& findings) {
  for (const std::string& domain : route.domains) {
    const std::string_view bare = std::string_view(domain).substr(domain.starts_with('.') ? 1 : 0);
    CheckDomain(std::string(bare), path + ".domains", findings);
  }
  for (const std::string& name : route.server_names)
    CheckDomain(name, path + ".server_names", findings);
  for (const std::string& name : route.listeners)
    CheckReference(name, config.listeners, "listener", path + ".listeners", findings);
  if (route.users.empty()) return;
  const std::string why = balancer::RouteTable::WhyInvalid(route.users);
  if (!why.empty())
    findings.Error(path + ".users", Quote(route.users) + " is no regular expression: " + why,
                   "RE2's syntax, such as [a-m].*@example\\.org");
}

void CheckTarget(const Config& config, const RouteConfig& route, const std::string& path,
                 Findings& findings) {
  const int targets = !route.cluster.empty() + !route.user_map.empty() + !route.directory.empty();
  const bool unread = findings.IsUnread(path + ".cluster") ||
                      findings.IsUnread(path + ".user_map") ||
                      findings.IsUnread(path + ".directory");
  if (targets != 1 && !unread) {
    findings.Error(path,
                   targets == 0 ? "the route leads nowhere" : "the route leads to more than one",
                   "one of cluster, user_map, directory");
  }
  if (!route.cluster.empty())
    CheckReference(route.cluster, config.clusters, "cluster", path + ".cluster", findings);
  if (!route.directory.empty())
    CheckReference(route.directory, config.directories, "directory", path + ".directory", findings);
}

void CheckPlaces(const Config& config, const MoveConfig& move, const std::string& path,
                 Findings& findings) {
  for (const auto& [name, key] : {std::pair(&move.from, ".from"), std::pair(&move.to, ".to")}) {
    CheckReference(*name, config.clusters, "cluster", path + key, findings);
    const auto cluster = std::find_if(config.clusters.begin(), config.clusters.end(),
                                      [&](const auto& each) { return each.name == *name; });
    if (cluster == config.clusters.end() || cluster->affinity == Affinity::kUser) continue;
    findings.Warning(path + key,
                     Quote(*name) +
                         " has affinity: none: nobody knows who has a session there, so "
                         "logins don't wait for sessions to end",
                     "affinity: user");
  }
  const bool unread = findings.IsUnread(path + ".from") || findings.IsUnread(path + ".to");
  if (move.from == move.to && !unread)
    findings.Error(path + ".to", "the move leads from " + Quote(move.from) + " to itself",
                   "another cluster");
}

bool MeansEverybody(const MoveConfig& move) { return move.users.empty() && move.domains.empty(); }

// Of a move and those ahead of it.
void CheckOrder(const Config& config, size_t number, const std::string& path, Findings& findings) {
  const MoveConfig& move = config.moves[number];
  if (findings.IsUnread(path)) return;
  for (size_t i = 0; i < config.moves.size(); ++i) {
    const MoveConfig& other = config.moves[i];
    if (i < number && other.from == move.from && MeansEverybody(other)) {
      findings.Warning(path,
                       "means nobody: " + Quote(other.name) + ", ahead of it, means everybody in " +
                           Quote(move.from),
                       "it ahead of that one");
    }
    if (i != number && other.to == move.from && !move.from.empty()) {
      findings.Warning(path + ".from",
                       "whom " + Quote(other.name) + " moves to " + Quote(move.from) +
                           " stay there: nobody is moved on by a second move",
                       "routes that say where they are, and one move for each");
    }
  }
}

void CheckMoves(const Config& config, Findings& findings) {
  for (size_t i = 0; i < config.moves.size(); ++i) {
    const MoveConfig& move = config.moves[i];
    const std::string path = ItemPath("moves", i);
    CheckPlaces(config, move, path, findings);
    for (const std::string& domain : move.domains) {
      const std::string_view bare =
          std::string_view(domain).substr(domain.starts_with('.') ? 1 : 0);
      CheckDomain(std::string(bare), path + ".domains", findings);
    }
    for (const std::string& user : move.users) {
      if (balancer::CanonicalUser::FromLogin(user, {})) continue;
      findings.Error(path + ".users", Quote(user) + " is not a user", std::string(kUserForm));
    }
    CheckOrder(config, i, path, findings);
  }
}

bool TakesEverybody(const RouteConfig& route) {
  return !route.cluster.empty() && route.domains.empty() && route.users.empty() &&
         route.server_names.empty() && route.listeners.empty();
}

}  // namespace

void CheckRouting(const Config& config, Findings& findings) {
  CheckUserNames(config, findings);
  CheckMoves(config, findings);
  for (size_t i = 0; i < config.routes.size(); ++i) {
    const std::string path = ItemPath("routes", i);
    CheckConditions(config, config.routes[i], path, findings);
    CheckTarget(config, config.routes[i], path, findings);
    if (TakesEverybody(config.routes[i]) && i + 1 < config.routes.size() &&
        !findings.IsUnread(path)) {
      findings.Warning(path, "takes everybody: the routes behind it are never reached",
                       "it as the last, or conditions");
    }
  }
}

}  // namespace poplar::config
