#include "tests/simulation/connection.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

namespace poplar::simulation {
namespace {

constexpr size_t kFlyingMax = 8;  // segments of a direction on the way at once

}  // namespace

Connection::Connection(World& world, const Faults& faults, int actor, uint32_t id,
                       io::Address client, io::Address server)
    : world_(world),
      faults_(faults),
      actor_(actor),
      id_(id),
      random_(SeededRandom(world.seed() ^ (uint64_t{id} << 32), "connection")) {
  Of(Side::kClient).address = client;
  Of(Side::kServer).address = server;
}

void Connection::Attach(Side side, SocketOwner* owner, int32_t socket) {
  Of(side).owner = owner;
  Of(side).socket = socket;
}

ssize_t Connection::Send(Side side, std::string_view bytes, bool more) {
  End& end = Of(side);
  assert(!end.closed && !bytes.empty());
  if (end.error_due) {
    end.error_due = false;
    return -ECONNRESET;
  }
  if (end.reset || end.fin_wanted) return -EPIPE;
  const size_t room =
      faults_.send_buffer_bytes - std::min(faults_.send_buffer_bytes, end.unsent.size());
  const size_t most = std::min(room, bytes.size());
  if (most == 0) {
    if (std::exchange(end.held, 0) > 0) Pump(side);  // as Linux: who has no room left holds nothing
    return -EAGAIN;
  }
  const size_t taken = random_.Chance(0.5) ? most : random_.Between(1, most);
  end.unsent.Append(bytes.substr(0, taken));
  end.held = more && taken == bytes.size() ? end.unsent.size() % faults_.segment_bytes_max : 0;
  Pump(side);
  return static_cast<ssize_t>(taken);
}

bool Connection::Readable(Side side) const {
  const End& end = Of(side);
  return !end.unread.empty() || end.error_due || end.fin_arrived || end.reset || end.read_shut;
}

bool Connection::Quiet(Side side) {
  const bool quiet = !Readable(side);
  if (Of(side).unread.empty()) Of(side).error_due = false;
  return quiet;
}

ssize_t Connection::Receive(Side side, char* into, size_t most) {
  End& end = Of(side);
  assert(!end.closed && most > 0);
  if (!end.unread.empty()) {
    const size_t there = std::min({most, end.unread.size(), faults_.read_bytes_max});
    const size_t n = random_.Chance(0.5) ? there : random_.Between(1, there);
    std::memcpy(into, end.unread.front(n).data(), n);
    end.unread.Drop(n);
    Pump(Other(side));  // the window has opened
    return static_cast<ssize_t>(n);
  }
  if (end.error_due) {
    end.error_due = false;
    return -ECONNRESET;
  }
  return end.fin_arrived || end.reset || end.read_shut ? 0 : -EAGAIN;
}

void Connection::ShutdownWrite(Side side) {
  End& end = Of(side);
  if (end.fin_wanted || end.reset) return;
  end.fin_wanted = true;
  end.held = 0;
  Pump(side);
}

void Connection::ShutdownBoth(Side side) {
  Of(side).read_shut = true;
  ShutdownWrite(side);
  Tell(side);
}

void Connection::Close(Side side) {
  End& end = Of(side);
  assert(!end.closed);
  if (!end.unread.empty()) {
    Reset(side);
    return;
  }
  ShutdownWrite(side);
  end.closed = true;
  end.owner = nullptr;
}

void Connection::Reset(Side side) {
  End& end = Of(side);
  assert(!end.closed);
  end.closed = true;
  end.owner = nullptr;
  end.unread.Clear();
  SendReset(side);
}

void Connection::Silence() {
  if (!silent_) world_.Log(actor_, "connection falls silent", id_);
  silent_ = true;
}

size_t Connection::Window(Side to) const {
  const End& receiver = Of(to);
  // Nobody reads a closed end; it has room so that data can meet its RST.
  if (receiver.closed) return faults_.receive_window_bytes;
  const size_t used = receiver.unread.size() + Of(Other(to)).wire.size();
  return faults_.receive_window_bytes - std::min(faults_.receive_window_bytes, used);
}

// Puts on the wire what the receiver's window allows.
void Connection::Pump(Side from) {
  End& end = Of(from);
  while (!silent_ && !end.reset && end.unsent.size() > end.held && end.flying.size() < kFlyingMax) {
    const size_t most =
        std::min({end.unsent.size() - end.held, Window(Other(from)), faults_.segment_bytes_max});
    if (most == 0) return;
    if (InjectLoss()) return;
    const size_t n = random_.Chance(0.5) ? most : random_.Between(1, most);
    end.wire.Append(end.unsent.front(n));
    end.unsent.Drop(n);
    Fly(from, Kind::kData, n);
    Tell(from);  // there is room for the sender again
  }
  if (silent_ || end.reset || !end.unsent.empty() || !end.fin_wanted || end.fin_flying) return;
  end.fin_flying = true;
  Fly(from, Kind::kFin, 0);
}

bool Connection::InjectLoss() {
  if (random_.Chance(faults_.silence)) {
    Silence();
    return true;
  }
  if (!random_.Chance(faults_.reset)) return false;
  world_.Log(actor_, "connection is reset on its way", id_);
  // Each end hears it from the other's direction, behind what was on the way.
  Fly(Side::kClient, Kind::kReset, 0);
  Fly(Side::kServer, Kind::kReset, 0);
  return true;
}

void Connection::Fly(Side from, Kind kind, size_t bytes) {
  End& end = Of(from);
  io::Duration delay = random_.Between(faults_.latency_min, faults_.latency_max);
  if (random_.Chance(faults_.stall)) delay += random_.Between(io::Duration(0), faults_.stall_max);
  io::Time arrival = std::max(world_.Now() + delay, end.last_arrival);
  if (faults_.bytes_per_second > 0) {
    arrival += io::Duration(static_cast<int64_t>(bytes * 1'000'000'000 / faults_.bytes_per_second));
  }
  end.last_arrival = arrival;
  end.flying.push_back(Segment{kind, bytes});
  // The event says only that the next segment arrives, so that events of one instant may come in
  // any order and the bytes can't.
  world_.At(arrival, &Connection::OnArrival, this, Index(Other(from)));
}

void Connection::OnArrival(void* context, uint64_t side) {
  static_cast<Connection*>(context)->Arrive(static_cast<Side>(side));
}

void Connection::Arrive(Side at) {
  if (silent_) return;
  End& from = Of(Other(at));
  End& to = Of(at);
  assert(!from.flying.empty());
  const Segment segment = from.flying.front();
  from.flying.pop_front();
  const std::string_view bytes = from.wire.front(segment.bytes);
  const bool dead = to.reset || to.closed;
  if (segment.kind == Kind::kData && !dead) to.unread.Append(bytes);
  from.wire.Drop(segment.bytes);
  if (segment.kind == Kind::kReset) {
    ArriveReset(at);
  } else if (segment.kind == Kind::kFin) {
    to.fin_arrived = true;
  } else if (to.closed && !to.reset) {
    SendReset(at);  // nobody will read this
  }
  Tell(at);
  Pump(Other(at));
}

void Connection::ArriveReset(Side at) {
  End& end = Of(at);
  if (end.reset) return;
  end.reset = true;
  end.error_due = !end.closed;
  end.unsent.Clear();
  if (faults_.reset_discards_unread) end.unread.Clear();
}

void Connection::SendReset(Side from) {
  End& end = Of(from);
  if (end.reset) return;
  end.reset = true;
  end.unsent.Clear();
  if (!silent_) Fly(from, Kind::kReset, 0);
}

void Connection::Tell(Side side) {
  const End& end = Of(side);
  if (end.owner != nullptr) end.owner->OnReadiness(end.socket);
}

}  // namespace poplar::simulation
