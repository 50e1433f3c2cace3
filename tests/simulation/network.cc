#include "tests/simulation/network.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

namespace poplar::simulation {
namespace {

bool IsWildcard(const io::Address& address) {
  return address.Host() == "0.0.0.0" || address.Host() == "::";
}

}  // namespace

Network::Network(World& world, const Faults& faults)
    : world_(world),
      faults_(faults),
      actor_(world.log().AddActor("network")),
      random_(world.Stream("network")) {}

void Network::DelayConnects(const io::Address& host, io::Duration delay) {
  connect_delays_[host.Host()] = delay;
}

io::Address Network::FreePort(const io::Address& host) {
  io::Address address = host;
  address.set_port(last_port_ == UINT16_MAX ? uint16_t{32768} : ++last_port_);
  return address;
}

io::Result<io::Address> Network::Listen(SocketOwner& owner, int32_t socket,
                                        const io::Address& address, const io::Address& host,
                                        size_t backlog) {
  io::Address local = address;
  if (IsWildcard(address)) {
    local = host;
    local.set_port(address.port());
  }
  if (local.port() == 0) local = FreePort(local);
  listeners_.push_back(Listener{&owner, socket, local, backlog, {}});
  world_.Log(actor_, "listens", socket, local.port());
  return local;
}

Network::Listener* Network::Find(const SocketOwner& owner, int32_t socket) {
  for (Listener& listener : listeners_) {
    if (listener.owner == &owner && listener.socket == socket) return &listener;
  }
  return nullptr;
}

void Network::Unlisten(const SocketOwner& owner, int32_t socket) {
  Listener* listener = Find(owner, socket);
  if (listener == nullptr) return;
  for (Connection* connection : listener->incoming) connection->Reset(Side::kServer);
  listeners_.erase(listeners_.begin() + (listener - listeners_.data()));
}

Connection* Network::TakeIncoming(const SocketOwner& owner, int32_t socket) {
  Listener* listener = Find(owner, socket);
  if (listener == nullptr || listener->incoming.empty()) return nullptr;
  // Not always the oldest: two SYNs may have crossed on the way.
  const size_t index = random_.Chance(0.9) ? 0 : random_.Below(listener->incoming.size());
  Connection* connection = listener->incoming[index];
  listener->incoming.erase(listener->incoming.begin() + static_cast<ptrdiff_t>(index));
  return connection;
}

void Network::Dial(SocketOwner& owner, int32_t socket, const io::Address& from,
                   const io::Address& to) {
  dials_.push_back(Dialling{&owner, socket, from, to});
  const uint64_t index = dials_.size() - 1;
  const io::Duration latency = random_.Between(faults_.latency_min, faults_.latency_max);
  if (Gone(from) || Gone(to) || random_.Chance(faults_.connect_lost)) {
    world_.Log(actor_, "connect is lost", socket);
    FinishLater(index, ETIMEDOUT, kConnectTimeout);
  } else if (random_.Chance(faults_.connect_refused)) {
    FinishLater(index, ECONNREFUSED, 2 * latency);
  } else {
    const auto delay = connect_delays_.find(to.Host());
    const io::Duration more = delay == connect_delays_.end() ? io::Duration(0) : delay->second;
    world_.After(latency + more, [this, index] { ArriveSyn(index); });
  }
}

void Network::FinishLater(uint64_t index, int error, io::Duration delay) {
  dials_[index].error = error;
  world_.After(delay, [this, index] { FinishDial(index); });
}

Network::Listener* Network::ChooseListener(const io::Address& to) {
  std::vector<Listener*> fitting;
  for (Listener& listener : listeners_) {
    if (listener.address == to) fitting.push_back(&listener);
  }
  return fitting.empty() ? nullptr : fitting[random_.Below(fitting.size())];
}

void Network::ArriveSyn(uint64_t index) {
  Dialling& dial = dials_[index];
  if (Gone(dial.from) || Gone(dial.to)) {
    FinishLater(index, ETIMEDOUT, kConnectTimeout);
    return;
  }
  const io::Duration latency = random_.Between(faults_.latency_min, faults_.latency_max);
  Listener* listener = ChooseListener(dial.to);
  if (listener == nullptr) {
    FinishLater(index, ECONNREFUSED, latency);
    return;
  }
  if (listener->incoming.size() >= listener->backlog) {
    // Dropped; the client's kernel sends the SYN again.
    world_.After(std::chrono::seconds(1), [this, index] { ArriveSyn(index); });
    return;
  }
  dial.connection = &connections_.emplace_back(
      world_, faults_, actor_, static_cast<uint32_t>(connections_.size()), dial.from, dial.to);
  listener->incoming.push_back(dial.connection);
  listener->owner->OnReadiness(listener->socket);
  FinishLater(index, 0, latency);
}

void Network::FinishDial(uint64_t index) {
  Dialling& dial = dials_[index];
  if (dial.owner == nullptr) {
    if (dial.connection != nullptr) dial.connection->Reset(Side::kClient);
    return;
  }
  dial.owner->OnConnected(dial.socket, dial.error);
}

Network::Dialling* Network::FindDialling(const SocketOwner& owner, int32_t socket) {
  // From the back: those asked for are young.
  for (auto dial = dials_.rbegin(); dial != dials_.rend(); ++dial) {
    if (dial->owner == &owner && dial->socket == socket) return &*dial;
  }
  return nullptr;
}

void Network::Undial(const SocketOwner& owner, int32_t socket) {
  if (Dialling* dial = FindDialling(owner, socket); dial != nullptr) dial->owner = nullptr;
}

Connection* Network::TakeDialled(const SocketOwner& owner, int32_t socket) {
  Dialling* dial = FindDialling(owner, socket);
  assert(dial != nullptr);
  dial->owner = nullptr;
  dial->taken = true;
  return dial->connection;
}

void Network::Detach(int32_t socket, const Detached& state) {
  if (state.connection != nullptr) state.connection->Attach(state.side, nullptr, -1);
  detached_.emplace(socket, state);
}

std::optional<Network::Detached> Network::Adopt(int32_t socket, SocketOwner& owner) {
  const auto found = detached_.find(socket);
  if (found == detached_.end()) return std::nullopt;
  const Detached state = found->second;
  detached_.erase(found);
  if (state.by != &owner) ++migrated_;
  if (state.connection != nullptr) state.connection->Attach(state.side, &owner, socket);
  return state;
}

void Network::ResetDetachedBy(const SocketOwner& owner) {
  for (auto& [socket, state] : detached_) {
    if (state.by != &owner || state.connection == nullptr) continue;
    std::exchange(state.connection, nullptr)->Reset(state.side);
  }
}

size_t Network::OpenBetween(const io::Address& host, const io::Address& to) const {
  const std::string name = host.Host();
  return static_cast<size_t>(std::count_if(dials_.begin(), dials_.end(), [&](const Dialling& dial) {
    const bool connected = dial.taken && dial.connection != nullptr;
    const bool open = connected ? !dial.connection->closed(Side::kClient) : dial.owner != nullptr;
    return open && dial.to == to && dial.from.Host() == name;
  }));
}

bool Network::IsOpenFrom(const io::Address& client) const {
  return std::any_of(connections_.rbegin(), connections_.rend(), [&](const Connection& connection) {
    return connection.AddressOf(Side::kClient) == client && !connection.closed(Side::kClient);
  });
}

bool Network::Gone(const io::Address& host) const {
  return !gone_.empty() && std::find(gone_.begin(), gone_.end(), host.Host()) != gone_.end();
}

void Network::Vanish(const io::Address& host) {
  world_.log().Note(world_.Now(), actor_, "machine vanishes: " + host.Host());
  gone_.push_back(host.Host());
  for (Connection& connection : connections_) {
    if (Gone(connection.AddressOf(Side::kClient)) || Gone(connection.AddressOf(Side::kServer))) {
      connection.Silence();
    }
  }
}

void Network::Return(const io::Address& host) {
  world_.log().Note(world_.Now(), actor_, "machine is back: " + host.Host());
  std::erase(gone_, host.Host());
}

}  // namespace poplar::simulation
