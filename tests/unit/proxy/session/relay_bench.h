#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/io/task_scope.h"
#include "proxy/session/relay.h"
#include "tests/simulation/network.h"
#include "tests/simulation/sim_proactor.h"
#include "tests/unit/proxy/session/recording.h"
#include "tests/unit/proxy/upstream/driven_peer.h"

namespace poplar::session {

// A relay between a client and a node in a simulated world, both in the test's hands. When the
// relay has ended both connections are closed, without a farewell: that is the session's business.
class RelayBench {
 public:
  struct Options {
    simulation::Faults faults{};
    uint64_t seed = 7;
    RelayOptions relay{.client_idle = std::chrono::minutes(10),
                       .client_write_stall = std::chrono::minutes(1),
                       .bad_commands_max = 5};
    admission::PaceRules pace{};
    io::Duration max_snapshot_age{};
    io::Duration keepalive{};
    std::string_view unread{};  // what came in one packet with PASS
  };

  RelayBench() : RelayBench(Options{}) {}
  explicit RelayBench(const Options& options);
  // Ends what is left and checks that nothing leaks.
  ~RelayBench();

  upstream::DrivenPeer& client() { return *client_; }
  upstream::DrivenPeer& node() { return *node_; }
  // What the node says to each line, from now on; nothing to a line that isn't there.
  void AnswerBy(std::function<std::string(std::string_view line)> answer);

  // Lets happen what is about to.
  void Settle(io::Duration most = std::chrono::milliseconds(200));
  bool Run(const std::function<bool()>& predicate, io::Duration most);
  // Until the relay has ended; what it says.
  RelayEnd RunToEnd(io::Duration most = std::chrono::seconds(1));

  // What the client has been sent since the last call.
  std::string ClientGot();
  std::string NodeGot();

  bool ended() const { return end_.has_value(); }
  Relay& relay() { return *relay_; }
  io::Time Now() const { return world_.Now(); }
  // How many of the relay's sockets are looked out on.
  size_t lookouts() const { return poplar_.lookouts(); }
  size_t buffers_in_use() { return poplar_.buffers().in_use(); }

  Record record;
  RecordingMeter meter;

 private:
  io::Task<void> AcceptAtNode();
  io::Task<void> RunRelay(io::SocketId listener);

  const Options options_;
  simulation::World world_;
  simulation::Network network_;
  simulation::SimProactor poplar_;
  simulation::SimProactor client_machine_;
  simulation::SimProactor node_machine_;
  io::TaskScope scope_{poplar_.ready()};
  io::TaskScope node_scope_{node_machine_.ready()};
  io::SocketId node_listener_;
  std::optional<upstream::DrivenPeer> client_;
  std::optional<upstream::DrivenPeer> node_;
  Relay* relay_ = nullptr;
  std::optional<RelayEnd> end_;
};

}  // namespace poplar::session
