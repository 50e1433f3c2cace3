#include "proxy/handover/listening_sockets.h"

#include <algorithm>
#include <utility>

#include "proxy/io/kernel_socket.h"

namespace poplar::handover {

void ListeningSockets::Add(SocketFacts facts, io::Descriptor socket) {
  if (!io::Listens(socket.get())) return;
  const io::Address address = io::LocalAddressOf(socket.get());
  sockets_.push_back({std::move(facts), address, std::move(socket)});
}

bool ListeningSockets::Fits(const Socket& socket, std::string_view purpose, std::string_view name,
                            const io::Address& address) {
  if (socket.facts.purpose.empty() && socket.facts.name == name) return true;
  if (!socket.facts.purpose.empty() && socket.facts.purpose != purpose) return false;
  if (address.port() != 0) return socket.address == address;
  return socket.facts.name == name && socket.address.Host() == address.Host();
}

std::vector<io::Descriptor> ListeningSockets::Take(std::string_view purpose, std::string_view name,
                                                   const io::Address& address) {
  std::vector<io::Descriptor> taken;
  for (Socket& socket : sockets_) {
    if (Fits(socket, purpose, name, address)) taken.push_back(std::move(socket.descriptor));
  }
  std::erase_if(sockets_, [](const Socket& socket) { return !socket.descriptor; });
  return taken;
}

std::vector<std::string> ListeningSockets::Left() const {
  std::vector<std::string> left;
  left.reserve(sockets_.size());
  for (const Socket& socket : sockets_)
    left.push_back(socket.facts.name + " on " + socket.address.Text());
  return left;
}

SocketShares ShareOut(const std::vector<io::Descriptor>& sockets, size_t workers) {
  SocketShares shares{.workers = std::vector<std::vector<size_t>>(sockets.size())};
  const bool all_share =
      std::all_of(sockets.begin(), sockets.end(),
                  [](const io::Descriptor& socket) { return io::SharesItsPort(socket.get()); });
  for (size_t i = 0; i < sockets.size(); ++i) {
    if (all_share) {
      shares.workers[i].push_back(i % workers);
    } else {
      for (size_t worker = 0; worker < workers; ++worker) shares.workers[i].push_back(worker);
    }
  }
  for (size_t worker = sockets.size(); all_share && worker < workers; ++worker)
    shares.without.push_back(worker);
  return shares;
}

}  // namespace poplar::handover
