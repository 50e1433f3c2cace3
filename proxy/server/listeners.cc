#include "proxy/server/listeners.h"

#include <cerrno>
#include <utility>

#include "proxy/config/address_text.h"
#include "proxy/io/kernel_socket.h"

namespace poplar::server {
namespace {

// `who`: whose address it is.
std::string ListenFault(const std::string& who, const std::string& address,
                        const io::Error& error) {
  std::string text = who + ": cannot listen on " + address + ": " + error.Text();
  if (error.code == EADDRINUSE)
    text += ". Another program has this port: stop it, or choose another port.";
  if (error.code == EACCES) {
    text +=
        ". Ports below 1024 need a right: run under systemd with "
        "AmbientCapabilities=CAP_NET_BIND_SERVICE, or as root.";
  }
  if (error.code == EADDRNOTAVAIL) text += ". No interface of this machine has that address.";
  if (error.code == EMFILE)
    text += ". Raise the limit: LimitNOFILE= in the systemd unit, ulimit -n.";
  return text;
}

}  // namespace

tl::expected<void, std::string> Listeners::Open(handover::ListeningSockets inherited) {
  for (size_t i = 0; i < config_.listeners.size(); ++i) {
    const config::ListenerConfig& listener = config_.listeners[i];
    places_.push_back({handover::kPop3,
                       listener.name,
                       "listener " + listener.name,
                       listener.address,
                       {.listener = i}});
  }
  for (const config::AutoconfigListenConfig& listen : config_.autoconfig.listen) {
    places_.push_back({handover::kAutoconfig,
                       "autoconfig",
                       "autoconfig.listen",
                       listen.address,
                       {.secure = listen.tls}});
  }
  for (size_t i = 0; i < places_.size(); ++i) {
    const auto bound = OpenPlace(i, inherited);
    if (!bound) return tl::unexpected(bound.error());
    (i < config_.listeners.size() ? addresses_ : autoconfig_addresses_).push_back(*bound);
  }
  for (const std::string& left : inherited.Left())
    log_.Info("the socket of " + left + " is closed: the configuration has no listener for it");
  return {};
}

tl::expected<io::Address, std::string> Listeners::OpenPlace(size_t number,
                                                            handover::ListeningSockets& inherited) {
  Place& place = places_[number];
  const auto parsed = config::ParseHostPort(place.text);
  const auto address = parsed ? io::Address::Parse(parsed->host, parsed->port) : std::nullopt;
  if (!address)
    return tl::unexpected(place.setting + ": " + place.text + " is no IP address and port");
  place.address = *address;
  std::vector<io::Descriptor> sockets = inherited.Take(place.purpose, place.name, *address);
  if (sockets.empty()) return OpenAll(number, *address);
  return Adopt(number, std::move(sockets));
}

tl::expected<io::Address, std::string> Listeners::OpenAll(size_t number,
                                                          const io::Address& address) {
  io::Address bound = address;
  for (size_t worker = 0; worker < workers_.size(); ++worker) {
    // The first worker's socket takes a free port for all when the configuration says 0.
    const io::Result<int> socket = io::OpenListening(bound, {}, io::Blocking::kNo);
    if (!socket) {
      const Place& place = places_[number];
      return tl::unexpected(ListenFault(place.setting, place.text, socket.error()));
    }
    bound = io::LocalAddressOf(*socket);
    if (auto kept = Keep(number, {worker}, io::Descriptor(*socket)); !kept)
      return tl::unexpected(kept.error());
  }
  return bound;
}

tl::expected<io::Address, std::string> Listeners::Adopt(size_t number,
                                                        std::vector<io::Descriptor> sockets) {
  const io::Address address = io::LocalAddressOf(sockets.front().get());
  handover::SocketShares shares = handover::ShareOut(sockets, workers_.size());
  for (size_t i = 0; i < sockets.size(); ++i) {
    auto kept = Keep(number, std::move(shares.workers[i]), std::move(sockets[i]));
    if (!kept) return tl::unexpected(kept.error());
  }
  for (const size_t worker : shares.without) missing_.push_back({number, worker, address});
  return address;
}

tl::expected<void, std::string> Listeners::Keep(size_t number, std::vector<size_t> workers,
                                                io::Descriptor socket) {
  return Give(sockets_.emplace_back(Socket{number, std::move(workers), std::move(socket)}));
}

tl::expected<void, std::string> Listeners::Give(const Socket& socket) {
  for (const size_t worker : socket.workers) {
    auto copy = io::Duplicate(socket.own.get());
    if (!copy) {
      const Place& place = places_[socket.place];
      return tl::unexpected(ListenFault(place.setting, place.text, copy.error()));
    }
    workers_[worker]->ListenOn(places_[socket.place].clients, std::move(*copy));
  }
  return {};
}

void Listeners::StartAccepting() {
  for (const Missing& missing : std::exchange(missing_, {})) {
    const Place& place = places_[missing.place];
    const io::Result<int> socket = io::OpenListening(missing.address, {}, io::Blocking::kNo);
    const auto kept = socket
                          ? Keep(missing.place, {missing.worker}, io::Descriptor(*socket))
                          : tl::unexpected(ListenFault(place.setting, place.text, socket.error()));
    if (!kept) log_.Warning("a worker accepts nobody for " + kept.error());
  }
  for (const std::unique_ptr<Worker>& worker : workers_) worker->StartAccepting();
}

void Listeners::Suspend() {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->StopListening();
}

void Listeners::Resume() {
  for (const Socket& socket : sockets_) {
    const auto given = Give(socket);
    if (!given) log_.Error("a worker accepts nobody any more for " + given.error());
  }
  StartAccepting();
}

void Listeners::Close() { sockets_.clear(); }

std::vector<Listeners::Handed> Listeners::HandOver() const {
  std::vector<Handed> handed;
  for (const Socket& socket : sockets_) {
    const Place& place = places_[socket.place];
    // The service manager gave it by its name alone; the next process has to find it likewise.
    const bool by_name =
        place.address.port() != 0 && io::LocalAddressOf(socket.own.get()) != place.address;
    handed.push_back(
        {{by_name ? std::string() : std::string(place.purpose), place.name}, socket.own.get()});
  }
  return handed;
}

}  // namespace poplar::server
