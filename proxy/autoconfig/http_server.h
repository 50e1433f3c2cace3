#pragma once

#include <absl/container/flat_hash_set.h>

#include <vector>

#include "proxy/admission/policy.h"
#include "proxy/autoconfig/visit.h"
#include "proxy/io/task_scope.h"

namespace poplar::autoconfig {

// A worker's part of the service: its listeners and whom it serves. All that it is made of outlives
// it.
class HttpServer {
 public:
  struct Environment {
    io::Proactor& proactor;
    io::TaskScope& visits;
    const admission::Policy& policy;
    admission::ConnectionLimits& limits;
    admission::Seniority& newcomers;
    Observer& observer;
  };

  HttpServer(Service& service, const Environment& environment)
      : service_(service), environment_(environment) {}
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Before Start. Returns the address with its port.
  io::Result<io::Address> Listen(const io::Address& address, bool secure);
  // The same with a socket that listens already.
  void ListenOn(io::SocketId socket, bool secure) { listening_.push_back({socket, secure}); }
  void Start(io::TaskScope& accepting);

  // Whom it serves it goes on serving: that takes kVisitTime at most.
  void StopAccepting();
  void Abort();

 private:
  struct Listening {
    io::SocketId socket;
    bool secure;
  };

  io::Task<void> AcceptFrom(Listening listening);
  bool Admit(const io::Address& client, Place& place);
  POPLAR_OWN_FRAME io::Task<void> Serve(io::Accepted accepted, bool secure, Place place);

  Service& service_;
  Environment environment_;
  std::vector<Listening> listening_;
  absl::flat_hash_set<Visit*> visits_;
  bool aborting_ = false;
};

}  // namespace poplar::autoconfig
