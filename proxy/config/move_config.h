#pragma once

#include <string>
#include <vector>

#include "proxy/config/field.h"

namespace poplar::config {

// Users who change from one cluster to another while everything runs.
struct MoveConfig {
  std::string name;
  std::string from;
  std::string to;
  std::vector<std::string> users;
  std::vector<std::string> domains;
  Percent percent{1000};

  bool operator==(const MoveConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, MoveConfig& c) {
  v.Text("name", c.name,
         {.help = "The move's name in logs, metrics and commands. It also decides who comes first: "
                  "keep it for as long as the move lasts.",
          .required = true,
          .example = "to-new-storage"});
  v.Text("from", c.from,
         {.help = "The cluster where the routes, maps and directories say that they are.",
          .required = true,
          .example = "old"});
  v.Text("to", c.to,
         {.help = "The cluster where they are instead, once they are moved.",
          .required = true,
          .example = "new"});
  v.Texts("users", c.users,
          {.help = "These users, besides those of the domains. Neither: everybody in from."});
  v.Texts("domains", c.domains,
          {.help = "All users of these domains; .example.org stands for all below it."});
  v.Percentage("percent", c.percent,
               {.help = "How many of them are moved; 0 prepares the move. More only adds users, "
                        "less only takes the last ones back. `poplar move` changes it in a running "
                        "Poplar; change it here too, for the next start."});
}

}  // namespace poplar::config
