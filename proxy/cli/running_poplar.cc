#include "proxy/cli/running_poplar.h"

#include <algorithm>
#include <utility>

#include "proxy/config/address_text.h"
#include "proxy/config/password_file.h"
#include "proxy/config/units.h"
#include "proxy/config/yaml_tree.h"

namespace poplar::cli {
namespace {

using config::YamlNode;

// Null: it isn't there, or of another kind.
const YamlNode* Member(const YamlNode& map, std::string_view key, YamlNode::Kind kind) {
  for (const config::YamlEntry& entry : map.entries) {
    if (entry.key == key) return entry.value.kind == kind ? &entry.value : nullptr;
  }
  return nullptr;
}

std::string TextOf(const YamlNode& map, std::string_view key) {
  const YamlNode* const member = Member(map, key, YamlNode::Kind::kScalar);
  return member == nullptr ? std::string() : member->scalar;
}

// JSON is YAML. Null: there is no list of that name.
const YamlNode* ListIn(const config::YamlTree& tree, std::string_view key) {
  if (!tree.complete || !tree.problems.empty()) return nullptr;
  return Member(tree.root, key, YamlNode::Kind::kSequence);
}

// The stronger one; empty: none is needed.
tl::expected<std::string, std::string> TokenOf(const config::AdminConfig& admin) {
  const bool writes = !admin.write_token_file.empty();
  const std::string& file = writes ? admin.write_token_file : admin.read_token_file;
  if (file.empty()) return std::string();
  auto token = config::ReadPasswordFile(file);
  if (token) return token;
  return tl::unexpected(std::string(writes ? "admin.write_token_file" : "admin.read_token_file") +
                        ": " + file + " " + token.error());
}

}  // namespace

const RunningPoplar::Node* RunningPoplar::Find(std::string_view cluster,
                                               std::string_view name) const {
  const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const Node& node) {
    return node.cluster == cluster && node.name == name;
  });
  return found == nodes.end() ? nullptr : &*found;
}

bool ReadNodes(std::string_view json, RunningPoplar& running) {
  const config::YamlTree tree = config::ParseYaml(json);
  const YamlNode* const clusters = ListIn(tree, "clusters");
  if (clusters == nullptr) return false;
  for (const YamlNode& cluster : clusters->items) {
    const YamlNode* const nodes = Member(cluster, "nodes", YamlNode::Kind::kSequence);
    if (nodes == nullptr) return false;
    for (const YamlNode& node : nodes->items) {
      running.nodes.push_back({.cluster = TextOf(cluster, "cluster"),
                               .name = TextOf(node, "node"),
                               .state = TextOf(node, "state"),
                               .admin_state = TextOf(node, "admin_state"),
                               .evidence = TextOf(node, "evidence"),
                               .in_service = TextOf(node, "in_service") == "true"});
    }
  }
  return true;
}

bool ReadMoves(std::string_view json, RunningPoplar& running) {
  const config::YamlTree tree = config::ParseYaml(json);
  const YamlNode* const moves = ListIn(tree, "moves");
  if (moves == nullptr) return false;
  for (const YamlNode& move : moves->items) {
    const auto percent = config::ParsePercent(TextOf(move, "percent"));
    if (!percent) return false;
    running.permille_by_move[TextOf(move, "move")] = static_cast<uint32_t>(percent->permille);
  }
  return true;
}

tl::expected<metrics::AdminAnswer, std::string> AskAdminOf(const config::Config& config,
                                                           std::string_view method,
                                                           std::string_view target) {
  if (!config.admin.enabled) return tl::unexpected(std::string("admin.enabled is no"));
  const auto address = config::ParseHostPort(config.admin.address);
  if (!address) return tl::unexpected("admin.address: " + address.error());
  if (address->port == 0)
    return tl::unexpected(std::string("admin.address has port 0: it may be on any"));
  // Whoever listens everywhere listens on loopback.
  const std::string host = !address->IsWildcard()                           ? address->host
                           : address->kind == config::HostPort::Kind::kIpv6 ? "::1"
                                                                            : "127.0.0.1";
  const auto token = TokenOf(config.admin);
  if (!token) return tl::unexpected(token.error());
  auto answer = metrics::AskAdmin({host, address->port}, method, target, *token);
  if (!answer) return tl::unexpected(config.admin.address + ": " + answer.error());
  return answer;
}

int PassAnswerOn(const config::Config& config, std::string_view method, std::string_view target,
                 std::ostream& out, std::ostream& err) {
  constexpr int kOk = 200;
  const auto answer = AskAdminOf(config, method, target);
  if (!answer) {
    err << "poplar: error: no Poplar answers at " << answer.error() << "\n";
    return 1;
  }
  if (answer->status != kOk) {
    const size_t end = answer->body.find_last_not_of('\n') + 1;
    err << "poplar: error: Poplar refuses it: " << answer->body.substr(0, end) << "\n";
    return 1;
  }
  out << answer->body << std::flush;
  return out.good() ? 0 : 1;
}

tl::expected<RunningPoplar, std::string> AskRunningPoplar(const config::Config& config) {
  constexpr int kOk = 200;
  RunningPoplar running;
  const auto nodes = AskAdminOf(config, "GET", "/nodes");
  if (!nodes) return tl::unexpected(nodes.error());
  const std::string odd = config.admin.address + ": not what a Poplar answers";
  if (nodes->status != kOk || !ReadNodes(nodes->body, running)) return tl::unexpected(odd);
  if (config.moves.empty()) return running;
  const auto moves = AskAdminOf(config, "GET", "/moves");
  if (!moves) return tl::unexpected(moves.error());
  if (moves->status != kOk || !ReadMoves(moves->body, running)) return tl::unexpected(odd);
  return running;
}

}  // namespace poplar::cli
