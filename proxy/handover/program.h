#pragma once

#include <string>
#include <vector>

#include "proxy/io/child_process.h"

namespace poplar::handover {

// How this process was started, so that what lies at the same path now can be started in the same
// way.
class Program {
 public:
  // Call it early: once the binary is replaced the kernel knows no name of it any more.
  static Program OfThisProcess();

  const std::string& path() const { return path_; }
  // With the other end of a channel (Predecessor).
  io::Result<io::ChildProcess> Start(int channel) const;

 private:
  std::string path_;
  std::vector<std::string> arguments_;
};

}  // namespace poplar::handover
