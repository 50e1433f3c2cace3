#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poplar::metrics {

// Where a user's logins go, and why. Empty: there is none.
struct RouteView {
  // A node as a running Poplar has it.
  struct Now {
    bool in_service = false;
    std::string state;
    std::string admin_state;
    std::string evidence;
  };
  struct Choice {
    std::string name;
    std::string address;
    int weight = 0;
    std::string_view state;  // in the configuration
    uint64_t cost = 0;       // balancer/rendezvous.h
    double score = 0;        // weight / -log2(u): the highest comes first
    std::string reason;
    std::optional<Now> now;  // none: nobody was asked
  };
  struct Move {
    std::string name;
    std::string from;
    std::string to;
    uint32_t permille = 0;  // of its users are moved
    uint32_t place = 0;     // the user is, once more are than this
    bool is_moved = false;
  };

  std::string login;      // as clients type it
  std::string canonical;  // the user
  std::string rule;
  std::vector<std::string> directories;  // that logins ask first, and that nobody has asked here
  std::vector<std::string> passed;       // rules that didn't know the user, and why
  std::string cluster;
  std::string node;        // the user's own
  std::string node_login;  // the user's name there, if it is another
  std::optional<Move> move;
  bool running = false;  // a running Poplar says so
  std::string asked;     // of name servers, and what came of it
  // Where sessions of the user are now, and logins therefore go; a running Poplar knows.
  std::string session_cluster;
  std::string session_node;
  std::vector<Choice> choices;  // in order of preference
};

struct RouteQuery {
  std::string user;         // as a client would type it
  std::string listener;     // empty: the first
  std::string server_name;  // empty: none
};

}  // namespace poplar::metrics
