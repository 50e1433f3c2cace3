#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proxy/io/socket_stream.h"
#include "proxy/io/task_scope.h"
#include "proxy/shared_state/reply.h"
#include "tests/simulation/sim_proactor.h"

namespace poplar::shared_state {

// A store in the simulated world that does what the scripts say, written once more in C++: what
// nodes and users are concerned; the streams are always empty.
class FakeStore {
 public:
  FakeStore(simulation::Network& network, const io::Address& host);

  const io::Address& address() const { return address_; }
  // As after a restart without persistence.
  void Forget();
  // All connections are reset.
  void Cut();
  void Freeze(bool frozen) { machine_.Freeze(frozen); }
  // For the end: no more connections, and those there are end.
  void Stop();
  bool idle() const { return scope_.count() == 0; }

  // Where the store has the user; empty: nowhere. Any who live hold it.
  std::string agreed() const { return agreed_; }
  size_t claims() const { return claims_.size(); }

 private:
  using Words = std::vector<std::string>;

  io::Task<void> AcceptAll();
  io::Task<void> Serve(io::SocketId socket);
  std::string Answer(const Words& words);
  std::string Run(size_t script, const Words& keys, const Words& arguments);
  std::string Beat(const Words& arguments);
  std::string Claim(const std::string& key, const Words& arguments);
  std::string Release(const std::string& key, const Words& arguments);
  bool Lives(const std::string& id) const;
  int64_t Now() const;

  simulation::SimProactor machine_;
  io::TaskScope scope_;
  io::SocketId listener_;
  io::Address address_;
  std::list<io::SocketStream*> streams_;
  bool stopped_ = false;

  std::map<std::string, std::string> replicas_;
  std::string agreed_;
  std::optional<int64_t> born_;
  std::map<std::string, std::map<std::string, std::string>> claims_;
};

}  // namespace poplar::shared_state
