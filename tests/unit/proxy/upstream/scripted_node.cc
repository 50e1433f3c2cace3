#include "tests/unit/proxy/upstream/scripted_node.h"

#include <algorithm>
#include <utility>

namespace poplar::upstream {

ScriptedNode::ScriptedNode(simulation::Network& network, std::string_view name,
                           std::string_view host)
    : machine_(network, name, *io::Address::Parse(host, 0)),
      address_(*io::Address::Parse(host, 110)),
      listener_(*machine_.Listen(address_, {})),
      scope_(machine_.ready()) {
  scope_.Spawn(AcceptAll());
}

io::Task<void> ScriptedNode::AcceptAll() {
  for (;;) {
    const io::Result<io::Accepted> accepted = co_await machine_.Accept(listener_);
    if (!accepted) break;
    DrivenPeer& peer = connections_.emplace_back(machine_, accepted->socket);
    peer.set_on_line([this, &peer](std::string_view line) { OnLine(peer, line); });
    Give(peer, greeting_);
  }
  machine_.Close(listener_);
}

void ScriptedNode::OnLine(DrivenPeer& peer, std::string_view line) {
  auto found = answers_.find(line);
  if (found == answers_.end()) found = answers_.find(line.substr(0, line.find(' ')));
  if (found != answers_.end()) Give(peer, found->second);
}

void ScriptedNode::Give(DrivenPeer& peer, const Answer& answer) {
  if (!answer.bytes.empty()) peer.Send(answer.bytes);
  if (answer.then == Answer::Then::kClose) peer.HalfClose();
  if (answer.then == Answer::Then::kReset) peer.Reset();
}

void ScriptedNode::StopListening() {
  if (std::exchange(listening_, false)) machine_.Abort(listener_);
}

void ScriptedNode::Stop() {
  StopListening();
  for (DrivenPeer& peer : connections_) peer.Shut();
}

bool ScriptedNode::idle() const {
  return scope_.count() == 0 && std::all_of(connections_.begin(), connections_.end(),
                                            [](const DrivenPeer& peer) { return peer.done(); });
}

std::string ScriptedNode::received() const {
  std::string all;
  for (const DrivenPeer& peer : connections_) all += peer.received();
  return all;
}

}  // namespace poplar::upstream
