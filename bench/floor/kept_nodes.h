#pragma once

#include <netinet/in.h>

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace poplar::bench {

// Connections to the node that are logged in and that no session uses, by their users' names.
class KeptNodes {
 public:
  explicit KeptNodes(const sockaddr_in& node) : node_(node) {}

  // A kept one; else a new one, for which the whole program waits: only a user's first sessions
  // need one. `password`: the line of PASS. -1: the node doesn't answer with +OK.
  int Take(const std::string& user, std::string_view password);
  void Keep(const std::string& user, int connection);

 private:
  int LogIn(const std::string& user, std::string_view password) const;

  const sockaddr_in node_;
  std::unordered_map<std::string, std::vector<int>> kept_;
};

}  // namespace poplar::bench
