#pragma once

#include <memory>
#include <span>
#include <string>
#include <thread>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/demo/mail_node.h"
#include "proxy/io/engine.h"
#include "proxy/io/system_clock.h"

namespace poplar::cli {

// The demo's mail nodes: over one store, on one thread of their own.
class DemoNodes {
 public:
  // So many, on loopback.
  static tl::expected<std::unique_ptr<DemoNodes>, std::string> Start(int count, io::EngineWish io);
  // One at each of these addresses; port 0 takes a free one.
  static tl::expected<std::unique_ptr<DemoNodes>, std::string> StartAt(
      std::span<const io::Address> addresses, io::EngineWish io);
  // Ends their sessions and their thread.
  ~DemoNodes();

  const std::vector<io::Address>& addresses() const { return addresses_; }

 private:
  DemoNodes() = default;
  io::Task<void> StopNodes();

  io::SystemClock clock_;
  io::SystemRandom random_;
  demo::MailStore store_;
  std::unique_ptr<io::Proactor> proactor_;
  std::vector<std::unique_ptr<demo::MailNode>> nodes_;
  std::unique_ptr<io::TaskScope> root_;
  std::vector<io::Address> addresses_;
  std::thread thread_;
};

}  // namespace poplar::cli
