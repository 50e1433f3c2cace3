#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/handover/message.h"
#include "proxy/io/address.h"
#include "proxy/io/descriptor.h"

namespace poplar::handover {

// Sockets that listened before this process was there: those of the process before it, or the
// service manager's.
class ListeningSockets {
 public:
  // An empty purpose: the service manager's, which knows names alone. Closed, where it doesn't
  // listen.
  void Add(SocketFacts facts, io::Descriptor socket);

  // All that are meant for what the configuration says, in the order in which they were added.
  // Address and purpose decide; the name does, where the service manager gives it, or where the
  // port is any (0).
  std::vector<io::Descriptor> Take(std::string_view purpose, std::string_view name,
                                   const io::Address& address);

  // What nobody has taken: "pop3s on 127.0.0.1:995".
  std::vector<std::string> Left() const;
  bool empty() const { return sockets_.empty(); }
  size_t size() const { return sockets_.size(); }

 private:
  struct Socket {
    SocketFacts facts;
    io::Address address;
    io::Descriptor descriptor;
  };

  static bool Fits(const Socket& socket, std::string_view purpose, std::string_view name,
                   const io::Address& address);

  std::vector<Socket> sockets_;
};

// Which workers accept from which of `sockets`. Where not all of them share their port nobody can
// open another: then all workers accept from all of them.
struct SocketShares {
  std::vector<std::vector<size_t>> workers;  // by socket
  std::vector<size_t> without = {};          // workers that have to open their own
};
SocketShares ShareOut(const std::vector<io::Descriptor>& sockets, size_t workers);

}  // namespace poplar::handover
