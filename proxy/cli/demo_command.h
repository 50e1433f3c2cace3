#pragma once

#include <cstdint>
#include <ostream>
#include <string>

namespace poplar::cli {

struct DemoOptions {
  uint16_t port = 0;        // of the proxy; 0: any free one
  uint16_t admin_port = 0;  // likewise
  std::string io = "auto";  // a name of config::kIoEngineNames
  // Serve one mail node alone here, in the clear, for a proxy elsewhere; empty: the whole demo.
  std::string node;
};

// `poplar demo`: three embedded mail nodes and the proxy before them, on loopback, until Ctrl-C.
// Or one such node alone. Needs no file, no right and no other software. Returns the exit status.
int RunDemo(const DemoOptions& options, std::ostream& out, std::ostream& err);

}  // namespace poplar::cli
