#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/config/config.h"
#include "proxy/handover/listening_sockets.h"
#include "proxy/server/worker.h"

namespace poplar::server {

// What all workers listen on. It keeps a number of its own for each open socket, by which another
// process can have it: as long as anybody has one, who connects waits in its queue.
class Listeners {
 public:
  struct Handed {
    handover::SocketFacts facts;
    int descriptor = -1;  // as long as these listeners are open
  };

  // All outlive it.
  Listeners(const config::Config& config, std::vector<std::unique_ptr<Worker>>& workers, Log& log)
      : config_(config), workers_(workers), log_(log) {}

  // Takes what fits of `inherited`, and opens what nobody else listens on. The error says what to
  // do.
  tl::expected<void, std::string> Open(handover::ListeningSockets inherited);
  // Opens what is missing still: of workers that have no socket where others inherited theirs. Not
  // before this process serves, for the kernel at once gives each socket its share of those who
  // connect. Then all accept.
  void StartAccepting();
  // For another process: nobody accepts, and everything stays open.
  void Suspend();
  void Resume();
  // Gives its numbers up; workers close theirs when they stop.
  void Close();

  std::vector<Handed> HandOver() const;
  // By listener, with the ports that were bound.
  const std::vector<io::Address>& addresses() const { return addresses_; }
  // Of autoconfig.listen, likewise.
  const std::vector<io::Address>& autoconfig_addresses() const { return autoconfig_addresses_; }

 private:
  // What the configuration names.
  struct Place {
    std::string_view purpose;
    std::string name;
    std::string setting;  // for a person
    std::string text;     // as it is configured
    Worker::Clients clients;
    io::Address address = {};  // the same, once it is parsed
  };
  struct Socket {
    size_t place = 0;
    std::vector<size_t> workers;  // that accept from it
    io::Descriptor own;
  };
  struct Missing {
    size_t place = 0;
    size_t worker = 0;
    io::Address address;
  };

  tl::expected<io::Address, std::string> OpenPlace(size_t place,
                                                   handover::ListeningSockets& inherited);
  tl::expected<io::Address, std::string> OpenAll(size_t place, const io::Address& address);
  tl::expected<io::Address, std::string> Adopt(size_t place, std::vector<io::Descriptor> sockets);
  tl::expected<void, std::string> Keep(size_t place, std::vector<size_t> workers,
                                       io::Descriptor socket);
  tl::expected<void, std::string> Give(const Socket& socket);

  const config::Config& config_;
  std::vector<std::unique_ptr<Worker>>& workers_;
  Log& log_;
  std::vector<Place> places_;
  std::vector<Socket> sockets_;
  std::vector<Missing> missing_;
  std::vector<io::Address> addresses_;
  std::vector<io::Address> autoconfig_addresses_;
};

}  // namespace poplar::server
