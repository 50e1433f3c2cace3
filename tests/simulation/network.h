#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proxy/io/address.h"
#include "proxy/io/result.h"
#include "tests/simulation/connection.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// The machines' addresses and the connections between them. Lives until the world's end.
class Network {
 public:
  Network(World& world, const Faults& faults);

  World& world() { return world_; }
  const Faults& faults() const { return faults_; }

  // Several owners may listen on one address, as with SO_REUSEPORT; a connection goes to one of
  // them. Port 0 takes a free one. 127.0.0.1 is one place for all machines; a wildcard address
  // stands for the owner's `host`.
  io::Result<io::Address> Listen(SocketOwner& owner, int32_t socket, const io::Address& address,
                                 const io::Address& host, size_t backlog);
  // Connections that nobody had accepted are reset.
  void Unlisten(const SocketOwner& owner, int32_t socket);

  // The next connection of a listener, to be attached by whoever accepts it.
  Connection* TakeIncoming(const SocketOwner& owner, int32_t socket);

  // Ends with owner.OnConnected, unless the SYN is lost for good.
  void Dial(SocketOwner& owner, int32_t socket, const io::Address& from, const io::Address& to);
  // The owner has lost interest: a connection that comes about nevertheless is reset.
  void Undial(const SocketOwner& owner, int32_t socket);
  // What OnConnected without an error was about.
  Connection* TakeDialled(const SocketOwner& owner, int32_t socket);

  // --- sockets: their numbers are never used again, and stay when a socket changes owners
  int32_t NewSocketNumber() { return ++last_socket_; }
  // A connected socket that nobody owns for now.
  struct Detached {
    const SocketOwner* by;
    Connection* connection;  // none: `by` was killed
    Side side;
    io::Address local;
  };
  void Detach(int32_t socket, const Detached& state);
  // None: it isn't detached.
  std::optional<Detached> Adopt(int32_t socket, SocketOwner& owner);
  bool IsDetached(int32_t socket) const { return detached_.contains(socket); }
  size_t detached() const { return detached_.size(); }
  // Sockets that were adopted by another owner than the one that detached them.
  uint64_t migrated() const { return migrated_; }
  // What belonged to a process that dies.
  void ResetDetachedBy(const SocketOwner& owner);

  // Connects that were ever begun; and how many of those from one host to an address are under way
  // or have become connections that the client has not closed yet.
  size_t dials() const { return dials_.size(); }
  size_t OpenBetween(const io::Address& host, const io::Address& to) const;
  // Whether there is a connection from this address that its client has not closed yet.
  bool IsOpenFrom(const io::Address& client) const;

  // --- what befalls a machine; by the address's host, whatever its port
  // Gone without a word (power, cable): what it had stays open for the others, connects are lost.
  void Vanish(const io::Address& host);
  // There again; its old connections stay silent.
  void Return(const io::Address& host);

  // Connects to it take so much longer from now on.
  void DelayConnects(const io::Address& host, io::Duration delay);

  io::Address FreePort(const io::Address& host);
  static constexpr io::Duration kConnectTimeout = std::chrono::seconds(127);  // Linux, 6 SYNs

 private:
  struct Listener {
    SocketOwner* owner;
    int32_t socket;
    io::Address address;
    size_t backlog;
    std::deque<Connection*> incoming;
  };
  struct Dialling {
    SocketOwner* owner;  // none: nobody waits for it any more
    int32_t socket;
    io::Address from;
    io::Address to;
    int error = 0;
    Connection* connection = nullptr;
    bool taken = false;  // the connection is in the client's hands
  };

  Listener* Find(const SocketOwner& owner, int32_t socket);
  Listener* ChooseListener(const io::Address& to);
  Dialling* FindDialling(const SocketOwner& owner, int32_t socket);
  bool Gone(const io::Address& host) const;
  void ArriveSyn(uint64_t index);
  void FinishDial(uint64_t index);
  void FinishLater(uint64_t index, int error, io::Duration delay);

  World& world_;
  const Faults faults_;
  int actor_;
  SeededRandom random_;
  std::vector<Listener> listeners_;
  std::deque<Dialling> dials_;
  std::deque<Connection> connections_;
  std::map<int32_t, Detached> detached_;
  uint64_t migrated_ = 0;
  int32_t last_socket_ = 2;  // as if a process's first three descriptors were taken
  std::vector<std::string> gone_;
  std::map<std::string, io::Duration> connect_delays_;  // by host
  uint16_t last_port_ = 32768;
};

}  // namespace poplar::simulation
