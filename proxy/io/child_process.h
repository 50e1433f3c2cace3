#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxy/io/result.h"

namespace poplar::io {

// Another program, started by this one, which goes on when this object or this process ends.
class ChildProcess {
 public:
  struct Program {
    std::string path;
    std::vector<std::string> arguments;    // the first one is the program's name
    std::vector<std::string> environment;  // NAME=value
  };

  // The descriptor of a child that it finds open, besides the standard three; all others are
  // closed. Which signals are blocked it has from the calling thread.
  static constexpr int kPassed = 3;

  // ENOENT, EACCES, ENOEXEC: the program can't be run.
  static Result<ChildProcess> Start(const Program& program, int passed);

  int pid() const { return pid_; }
  // "ended with status 1", "was ended by signal 9"; nothing: it still runs. Doesn't wait.
  std::optional<std::string> Ended();
  // Makes it end now.
  void Kill();

 private:
  explicit ChildProcess(int pid) : pid_(pid) {}

  int pid_;
  std::optional<std::string> ended_;
};

}  // namespace poplar::io
