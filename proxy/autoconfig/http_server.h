#pragma once

#include <absl/container/flat_hash_set.h>

#include <memory>
#include <utility>
#include <vector>

#include "proxy/admission/policy.h"
#include "proxy/autoconfig/visit.h"
#include "proxy/io/task_scope.h"

namespace poplar::autoconfig {

// A worker's part of the service: its listeners and whom it serves. Its environment outlives it.
class HttpServer {
 public:
  struct Environment {
    io::Proactor& proactor;
    io::TaskScope& visits;
    admission::ConnectionLimits& limits;
    admission::Seniority& newcomers;
    Observer& observer;
  };

  // What it serves, and whom.
  struct Terms {
    std::shared_ptr<const Service> service;
    std::shared_ptr<const admission::Policy> policy;
  };

  HttpServer(Terms terms, const Environment& environment)
      : terms_(std::move(terms)), environment_(environment) {}
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Before Start. Returns the address with its port.
  io::Result<io::Address> Listen(const io::Address& address, bool secure);
  // The same with a socket that listens already.
  void ListenOn(io::SocketId socket, bool secure) { listening_.push_back({socket, secure}); }
  void Start(io::TaskScope& accepting);

  // For those who come from now on.
  void Use(Terms terms) { terms_ = std::move(terms); }

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

  Terms terms_;
  Environment environment_;
  std::vector<Listening> listening_;
  absl::flat_hash_set<Visit*> visits_;
  bool aborting_ = false;
};

}  // namespace poplar::autoconfig
