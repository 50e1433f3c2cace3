#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/io/address.h"
#include "proxy/io/proactor.h"
#include "proxy/io/resolver.h"
#include "proxy/io/sync.h"
#include "proxy/io/task_scope.h"

namespace poplar::directory {

// How the names of a directory's servers are looked up.
struct NameLookups {
  io::Resolver* resolver = nullptr;  // null: all servers are written as addresses
  // An answer counts for its TTL, but for at least and at most so long.
  io::Duration ttl_min = std::chrono::seconds(5);
  io::Duration ttl_max = std::chrono::minutes(5);
  // Told, on the worker's thread, when a name can't be looked up and when that is over (no
  // trouble); `known`: it has addresses nevertheless, from before.
  std::function<void(const std::string& host, const std::string& trouble, bool known)> note;
};

// Where a server is: the addresses of its host, asked for anew when their time is over and somebody
// wants them. A look-up that brings nothing leaves those known in force. One worker's.
class ServerAddresses {
 public:
  // Whoever has old addresses waits for new ones no longer than that from the question on.
  static constexpr io::Duration kRefreshMax = std::chrono::seconds(1);

  // All outlive it. `scope` runs the look-ups, and must be empty before it goes.
  ServerAddresses(io::Proactor& proactor, io::TaskScope& scope, const NameLookups& lookups,
                  std::string host, uint16_t port);
  ~ServerAddresses();
  ServerAddresses(const ServerAddresses&) = delete;
  ServerAddresses& operator=(const ServerAddresses&) = delete;

  // To be tried in turn, IPv4 first; never none. The error says why there are none.
  using Addresses = tl::expected<std::vector<io::Address>, std::string>;
  io::Task<Addresses> Get(io::Time deadline);
  // Begins to look the name up if it is time to.
  void Refresh();
  // Whether it is one of them.
  bool Has(const io::Address& address) const;
  // Nothing good has come of them: they are asked for anew as soon as they may be.
  void Doubt();
  // Whoever waits does so no more.
  void Stop();

 private:
  io::Task<void> LookUp();
  void Take(const io::HostAddresses& found);
  void Note(std::string trouble);
  io::Task<void> WaitUntil(io::Time until);

  io::Proactor& proactor_;
  io::TaskScope& scope_;
  const NameLookups& lookups_;
  const std::string host_;
  const uint16_t port_;
  bool is_name_ = false;
  std::vector<io::Address> addresses_;  // by the last good answer; empty: none yet
  io::Time asked_{};                    // last
  io::Time answered_{};
  io::Time due_{};  // to be asked for again
  bool looking_up_ = false;
  bool stopped_ = false;
  std::string trouble_;  // as it was noted; empty: there is none
  std::vector<io::Event*> waiters_;
};

}  // namespace poplar::directory
