#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "proxy/io/address.h"
#include "proxy/io/task_scope.h"
#include "tests/simulation/sim_proactor.h"
#include "tests/unit/proxy/upstream/driven_peer.h"

namespace poplar::upstream {

// A mail node that answers as it was told to, on a machine of its own. By default it greets and
// takes any login; whatever else comes stays without an answer until the test gives one.
//
// Before it is destroyed: Stop(), then the world must run until idle().
class ScriptedNode {
 public:
  struct Answer {
    enum class Then : uint8_t { kStay, kClose, kReset };
    std::string bytes;  // may be empty
    Then then = Then::kStay;
  };

  // `host`: 192.0.2.x or the like; it listens there on port 110.
  ScriptedNode(simulation::Network& network, std::string_view name, std::string_view host);
  ScriptedNode(const ScriptedNode&) = delete;
  ScriptedNode& operator=(const ScriptedNode&) = delete;

  void set_greeting(Answer greeting) { greeting_ = std::move(greeting); }
  // To a line that is `command`, or whose keyword it is; the whole line counts first.
  void set_answer(std::string_view command, Answer answer) {
    answers_[std::string(command)] = std::move(answer);
  }

  // Connects are refused from now on.
  void StopListening();
  void Stop();
  bool idle() const;

  const io::Address& address() const { return address_; }
  simulation::SimProactor& machine() { return machine_; }
  // In order of arrival; they stay when they have ended.
  std::deque<DrivenPeer>& connections() { return connections_; }
  DrivenPeer& last() { return connections_.back(); }
  // All that the node was sent, over all connections.
  std::string received() const;

 private:
  io::Task<void> AcceptAll();
  void OnLine(DrivenPeer& peer, std::string_view line);
  void Give(DrivenPeer& peer, const Answer& answer);

  simulation::SimProactor machine_;
  io::Address address_;
  io::SocketId listener_;
  io::TaskScope scope_;
  std::deque<DrivenPeer> connections_;
  Answer greeting_{"+OK node ready\r\n"};
  std::map<std::string, Answer, std::less<>> answers_{{"USER", {"+OK\r\n"}},
                                                      {"PASS", {"+OK Logged in.\r\n"}}};
  bool listening_ = true;
};

}  // namespace poplar::upstream
