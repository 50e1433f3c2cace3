#pragma once

#include <string>
#include <vector>

#include "proxy/config/field.h"

namespace poplar::config {

// One rule of where users are. All conditions that it names must hold; the first rule that holds
// and knows the user decides.
struct RouteConfig {
  std::string name;
  std::vector<std::string> domains;
  std::string users;
  std::vector<std::string> server_names;
  std::vector<std::string> listeners;
  std::string cluster;
  std::string user_map;
  std::string directory;

  bool operator==(const RouteConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, RouteConfig& c) {
  v.Text("name", c.name,
         {.help = "The rule's name in logs and in what `poplar route` says.",
          .required = true,
          .example = "archive"});
  v.Texts("domains", c.domains,
          {.help = "Only users of these domains; .example.org stands for all below it."});
  v.Text("users", c.users,
         {.help = "Only users whose canonical name this regular expression (RE2) matches as a "
                  "whole, such as [a-m].*@example\\.org."});
  v.Texts("server_names", c.server_names,
          {.help = "Only those who connected by one of these names, as TLS tells it (SNI)."});
  v.Texts("listeners", c.listeners, {.help = "Only those who came to one of these listeners."});
  v.Text("cluster", c.cluster, {.help = "They are in this cluster."});
  v.Path("user_map", c.user_map,
         {.help = "They are where this file says, which `poplar map build` has made; who isn't in "
                  "it is a matter of the next rules. It is read anew when it changes.",
          .watched = false});
  v.Text("directory", c.directory,
         {.help = "They are where this directory says; whom it doesn't know is a matter of the "
                  "next rules."});
}

}  // namespace poplar::config
