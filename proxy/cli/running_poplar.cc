#include "proxy/cli/running_poplar.h"

#include <algorithm>
#include <utility>

#include "metrics/text_table.h"
#include "proxy/cli/admin_json.h"
#include "proxy/config/address_text.h"
#include "proxy/config/password_file.h"
#include "proxy/config/units.h"

namespace poplar::cli {
namespace {

using config::YamlNode;

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
  const auto answer = ParseWithList(json, "clusters");
  if (!answer) return false;
  for (const YamlNode& cluster : ListIn(*answer, "clusters")) {
    const YamlNode* const nodes = Member(cluster, "nodes", YamlNode::Kind::kSequence);
    if (nodes == nullptr) return false;
    for (const YamlNode& node : nodes->items) {
      running.nodes.push_back({.cluster = TextIn(cluster, "cluster"),
                               .name = TextIn(node, "node"),
                               .state = TextIn(node, "state"),
                               .admin_state = TextIn(node, "admin_state"),
                               .evidence = TextIn(node, "evidence"),
                               .in_service = TextIn(node, "in_service") == "true"});
    }
  }
  return true;
}

bool ReadMoves(std::string_view json, RunningPoplar& running) {
  const auto answer = ParseWithList(json, "moves");
  if (!answer) return false;
  for (const YamlNode& move : ListIn(*answer, "moves")) {
    const auto percent = config::ParsePercent(TextIn(move, "percent"));
    if (!percent) return false;
    running.permille_by_move[TextIn(move, "move")] = static_cast<uint32_t>(percent->permille);
  }
  return true;
}

tl::expected<metrics::AdminAnswer, std::string> AskAdminOf(const config::Config& config,
                                                           std::string_view method,
                                                           std::string_view target,
                                                           int timeout_ms) {
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
  auto answer = metrics::AskAdmin({host, address->port}, method, target, *token, timeout_ms);
  if (!answer) return tl::unexpected(config.admin.address + ": " + answer.error());
  return answer;
}

tl::expected<std::string, std::string> AskForBody(const config::Config& config,
                                                  std::string_view method, std::string_view target,
                                                  int timeout_ms) {
  constexpr int kOk = 200;
  auto answer = AskAdminOf(config, method, target, timeout_ms);
  if (!answer) return tl::unexpected("no Poplar answers at " + answer.error());
  if (answer->status == kOk) return std::move(answer->body);
  // A word of the API's, or plain text.
  std::string why;
  if (const auto object = ParseObject(answer->body)) why = TextIn(*object, "error");
  if (why.empty()) why = answer->body.substr(0, answer->body.find_last_not_of('\n') + 1);
  return tl::unexpected("Poplar refuses it: " + metrics::Printable(why));
}

int PassAnswerOn(const config::Config& config, std::string_view method, std::string_view target,
                 std::ostream& out, std::ostream& err) {
  const auto body = AskForBody(config, method, target);
  if (!body) {
    err << "poplar: error: " << body.error() << "\n";
    return 1;
  }
  out << *body << std::flush;
  return out.good() ? 0 : 1;
}

tl::expected<RunningPoplar, std::string> AskRunningPoplar(const config::Config& config) {
  constexpr int kOk = 200;
  RunningPoplar running;
  const auto nodes = AskAdminOf(config, "GET", "/api/v1/nodes");
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
