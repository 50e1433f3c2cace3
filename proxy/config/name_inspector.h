#pragma once

#include <string>
#include <vector>

namespace poplar::config {

// The seam to the name servers, which this folder does not know.
class NameInspector {
 public:
  virtual ~NameInspector() = default;

  // Why the host's addresses can't be found, in words; empty: they can. `name_servers` as a section
  // of the configuration has them: none means the system's. Blocks, for a few seconds at most.
  virtual std::string WhyUnknown(const std::string& host,
                                 const std::vector<std::string>& name_servers) = 0;
};

}  // namespace poplar::config
