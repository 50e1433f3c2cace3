#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "proxy/config/report.h"

namespace poplar::cli {

enum class RouteFormat { kText, kJson };

struct RouteOptions {
  std::string config_path;
  std::vector<std::string> users;  // login names, as clients type them
  std::string cluster;             // empty: as the rules say
  std::string listener;            // where they log in; empty: the first
  std::string server_name;         // the host name that they connect by (SNI); empty: none
  RouteFormat format = RouteFormat::kText;
  config::Color color = config::Color::kNever;  // of err
};

// `poplar route`: for each user which rule says where it is, and the cluster's nodes in order of
// preference, each with its weight, score and the reason. Needs no running Poplar, no certificate
// and no node; LDAP directories are asked, and, where nodes are discovered, name servers, once.
// Returns the exit status: 0, or 1 when the configuration has errors, a cluster or listener is
// unknown, a map cannot be read, a directory cannot be asked, nobody can say which nodes there are,
// a name cannot be a user's (the other users are still shown) or out refused the text.
int RunRoute(const RouteOptions& options, std::ostream& out, std::ostream& err);

}  // namespace poplar::cli
