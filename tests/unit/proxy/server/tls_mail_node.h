#pragma once

#include <memory>
#include <string>
#include <thread>
#include <tl/expected.hpp>

#include "proxy/demo/mail_node.h"
#include "proxy/io/proactor.h"
#include "proxy/io/system_clock.h"
#include "proxy/io/task_scope.h"
#include "proxy/tls/server_context.h"

namespace poplar::server {

// The demo's mail node behind TLS, on loopback and a thread of its own.
class TlsMailNode {
 public:
  // The error: why there is no ring.
  static tl::expected<std::unique_ptr<TlsMailNode>, std::string> Start();
  ~TlsMailNode();

  std::string address() const { return address_.Text(); }

 private:
  TlsMailNode() = default;
  io::Task<void> AcceptAll();
  io::Task<void> Serve(io::SocketId socket);
  io::Task<void> StopAll();

  io::SystemClock clock_;
  io::SystemRandom random_;
  demo::MailStore store_;
  std::shared_ptr<const tls::ServerContext> tls_;
  std::unique_ptr<io::Proactor> proactor_;
  std::unique_ptr<demo::MailNode> node_;
  std::unique_ptr<io::TaskScope> serving_;
  std::unique_ptr<io::TaskScope> root_;
  io::SocketId listener_{};
  io::Address address_;
  std::thread thread_;
};

}  // namespace poplar::server
