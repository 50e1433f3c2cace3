#pragma once

#include <ostream>
#include <string>

#include "metrics/labels.h"
#include "proxy/config/report.h"

namespace poplar::cli {

struct NodeOptions {
  std::string config_path;
  std::string node;  // CLUSTER/NODE, or NODE where one cluster alone has it
  metrics::AdminState state = metrics::AdminState::kUp;
  config::Color color = config::Color::kNever;  // of err
};

// `poplar drain` and `poplar undrain`: tells the Poplar that runs with this configuration in which
// state a node is wanted. Returns the exit status: 0, or 1 when the configuration has errors, there
// is no such node, nobody answers or it says no.
int RunSetNode(const NodeOptions& options, std::ostream& out, std::ostream& err);

// `poplar status`: whether the Poplar that runs with this configuration takes new clients, and how
// its nodes are. 0: it takes clients, and each cluster has a node in service; 1: not so, or nobody
// answers.
int RunStatus(const NodeOptions& options, std::ostream& out, std::ostream& err);

// `poplar status --live`: only whether it is alive, whatever its nodes are: for those who would
// otherwise start it anew.
int RunLive(const NodeOptions& options, std::ostream& out, std::ostream& err);

}  // namespace poplar::cli
