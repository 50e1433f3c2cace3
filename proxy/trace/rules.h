#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/io/network.h"
#include "proxy/trace/sink.h"

namespace poplar::trace {

// Which sessions a trace is of: a user's, those of clients at some addresses, or a node's.
struct Rule {
  enum class Kind : uint8_t { kUser, kClient, kNode };
  Kind kind = Kind::kUser;
  std::string name = {};  // of the user, canonical, or of the node, as CLUSTER/NODE
  io::Network client{};   // with kClient
  std::shared_ptr<Sink> sink = {};
};

// All traces that are on: an immutable snapshot, published whole and shared by all workers.
class Rules {
 public:
  Rules() = default;
  explicit Rules(std::vector<Rule> rules) : rules_(std::move(rules)) {}

  bool empty() const { return rules_.empty(); }
  Sinks OfUser(std::string_view user) const { return OfName(Rule::Kind::kUser, user); }
  Sinks OfNode(std::string_view node) const { return OfName(Rule::Kind::kNode, node); }
  Sinks OfClient(const io::Address& client) const;

 private:
  Sinks OfName(Rule::Kind kind, std::string_view name) const;

  const std::vector<Rule> rules_;
};

}  // namespace poplar::trace
