#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <deque>
#include <string_view>

#include "proxy/io/address.h"
#include "tests/simulation/byte_queue.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// Who holds an end of a connection, a listener or a connect under way; told of news about it.
class SocketOwner {
 public:
  virtual ~SocketOwner() = default;
  // Something may have become possible: reading, writing, accepting.
  virtual void OnReadiness(int32_t socket) = 0;
  // `error` is 0 or an errno.
  virtual void OnConnected(int32_t socket, int error) = 0;
};

enum class Side : uint8_t { kClient = 0, kServer = 1 };
inline Side Other(Side side) { return side == Side::kClient ? Side::kServer : Side::kClient; }

// A TCP connection as its two ends see it through non-blocking sockets: bytes in order, in pieces,
// late; bounded buffers at both ends, so that a reader who doesn't read holds the writer up; FIN
// and RST with Linux's ways. The calls of an end mirror send(2), recv(2), shutdown(2), close(2).
class Connection {
 public:
  // `id` names it in the log.
  Connection(World& world, const Faults& faults, int actor, uint32_t id, io::Address client,
             io::Address server);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Attach(Side side, SocketOwner* owner, int32_t socket);
  io::Address AddressOf(Side side) const { return ends_[Index(side)].address; }
  uint32_t id() const { return id_; }

  // Bytes taken (at times fewer than there is room for) or a negative errno: EAGAIN while there is
  // no room, ECONNRESET once and then EPIPE after a reset. `more`: a segment that isn't full waits
  // for what is sent next, or for the end; here for ever, so that nobody may forget it.
  ssize_t Send(Side side, std::string_view bytes, bool more = false);
  // Bytes brought, 0 at the end, or a negative errno. An error that a Send has reported is not
  // reported again: the receiver then sees an end that looks orderly, as on Linux.
  ssize_t Receive(Side side, char* into, size_t most);
  bool Readable(Side side) const;
  // Nothing to receive and the peer still there. A look at an error counts as its report.
  bool Quiet(Side side);
  bool closed(Side side) const { return Of(side).closed; }

  void ShutdownWrite(Side side);  // FIN, behind what was sent
  void ShutdownBoth(Side side);   // and nothing more is waited for by reading
  void Close(Side side);          // with unread bytes: RST, as Linux does
  void Reset(Side side);          // close with SO_LINGER 0: RST at once

  // Nothing arrives any more, in either direction, and nobody is told: a machine or a link is gone.
  void Silence();

 private:
  enum class Kind : uint8_t { kData, kFin, kReset };
  struct Segment {
    Kind kind;
    size_t bytes;
  };
  // One end: what it sends and what has arrived for it.
  struct End {
    io::Address address;
    SocketOwner* owner = nullptr;  // none: not accepted yet, or closed
    int32_t socket = -1;
    ByteQueue unsent;            // taken by the kernel, not yet on the wire
    size_t held = 0;             // of these, the last ones, which wait for more
    ByteQueue wire;              // of ours, on the way to the other end
    std::deque<Segment> flying;  // how the wire's bytes are cut
    io::Time last_arrival{};
    bool fin_wanted = false;  // no more Send
    bool fin_flying = false;
    ByteQueue unread;
    bool fin_arrived = false;
    bool read_shut = false;
    bool closed = false;
    bool reset = false;      // the connection is dead for this end
    bool error_due = false;  // ECONNRESET, to be reported once
  };
  static size_t Index(Side side) { return static_cast<size_t>(side); }
  End& Of(Side side) { return ends_[Index(side)]; }
  const End& Of(Side side) const { return ends_[Index(side)]; }

  void Pump(Side from);
  bool InjectLoss();
  void Fly(Side from, Kind kind, size_t bytes);
  void Arrive(Side at);
  void ArriveReset(Side at);
  void SendReset(Side from);
  void Tell(Side side);
  size_t Window(Side to) const;
  static void OnArrival(void* context, uint64_t side);

  World& world_;
  const Faults& faults_;
  int actor_;
  uint32_t id_;
  SeededRandom random_;
  std::array<End, 2> ends_;
  bool silent_ = false;
};

}  // namespace poplar::simulation
