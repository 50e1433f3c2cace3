#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "metrics/admin_client.h"
#include "proxy/config/config.h"

namespace poplar::cli {

// What the Poplar that runs with a configuration says of itself by its admin endpoint.
struct RunningPoplar {
  struct Node {
    std::string cluster;
    std::string name;
    std::string state;
    std::string admin_state;
    std::string evidence;
    bool in_service = false;
  };

  std::vector<Node> nodes;
  std::map<std::string, uint32_t, std::less<>> permille_by_move;

  // Null: it doesn't know that node.
  const Node* Find(std::string_view cluster, std::string_view name) const;
};

// Blocks. The error says why nobody was asked, or what is wrong with the answer: "127.0.0.1:9995:
// Connection refused".
tl::expected<RunningPoplar, std::string> AskRunningPoplar(const config::Config& config);

// The parts of it: one request; and what is said of nodes and of moves, in JSON. False: that is
// none.
tl::expected<metrics::AdminAnswer, std::string> AskAdminOf(
    const config::Config& config, std::string_view method, std::string_view target,
    int timeout_ms = metrics::kAdminAnswerTimeoutMs);
// The body of the answer to one request; the error is a line that says why there is none, or in the
// running one's words why not.
tl::expected<std::string, std::string> AskForBody(const config::Config& config,
                                                  std::string_view method, std::string_view target,
                                                  int timeout_ms = metrics::kAdminAnswerTimeoutMs);
// Prints the answer to one request. The exit status: 1, and why, where nobody answers or it is no.
int PassAnswerOn(const config::Config& config, std::string_view method, std::string_view target,
                 std::ostream& out, std::ostream& err);
bool ReadNodes(std::string_view json, RunningPoplar& running);
bool ReadMoves(std::string_view json, RunningPoplar& running);

}  // namespace poplar::cli
