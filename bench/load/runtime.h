#pragma once

#include <memory>

#include "proxy/io/engine.h"
#include "proxy/io/system_clock.h"
#include "proxy/io/task.h"

namespace poplar::bench {

// One thread's world for the load and for the nodes. Create() prints the reason and returns null
// where io_uring is refused.
class Runtime {
 public:
  static std::unique_ptr<Runtime> Create();

  io::Proactor& proactor() { return *proactor_; }
  // Runs the loop until the task has ended.
  void RunToEnd(io::Task<void> task);

 private:
  Runtime() = default;

  io::SystemClock clock_;
  io::SystemRandom random_;
  std::unique_ptr<io::Proactor> proactor_;
};

}  // namespace poplar::bench
