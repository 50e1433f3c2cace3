#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "balancer/node_health.h"
#include "proxy/handover/frame.h"

// What a frame says, by the names that both processes know: their numbers differ.
namespace poplar::handover {

// A listening socket; its descriptor comes along.
struct SocketFacts {
  std::string purpose;  // kPop3 or kAutoconfig
  std::string name;     // the listener's
};
inline constexpr std::string_view kPop3 = "pop3";
inline constexpr std::string_view kAutoconfig = "autoconfig";

// What is remembered of a node.
struct NodeMemory {
  std::string cluster;
  std::string node;
  std::optional<balancer::AdminState> said = {};  // by the operator, other than the configuration
  balancer::NodeHealth::Past past = {};
};

// Of a move whose share the operator has changed.
struct MoveMemory {
  std::string name;
  uint32_t permille = 0;
  uint32_t highest = 0;  // that it has been
};

// Of a user whom sessions hold on a node.
struct HeldUser {
  std::string cluster;
  std::string user;
  std::string node;
};

// How many connections a process has to a node.
struct SlotCount {
  std::string cluster;
  std::string node;
  uint32_t count = 0;
};

Fields FieldsOf(const SocketFacts& socket);
Fields FieldsOf(const NodeMemory& node);
Fields FieldsOf(const MoveMemory& move);
Fields FieldsOf(const HeldUser& user);
Fields FieldsOf(const SlotCount& slots);

// Of all fields of the right tag; one that makes no sense is left out.
std::vector<SocketFacts> SocketsIn(const Frame& frame);
std::vector<NodeMemory> NodesIn(const Frame& frame);
std::vector<MoveMemory> MovesIn(const Frame& frame);
std::vector<HeldUser> UsersIn(const Frame& frame);
std::vector<SlotCount> SlotsIn(const Frame& frame);

}  // namespace poplar::handover
