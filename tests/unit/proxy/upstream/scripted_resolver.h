#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proxy/io/resolver.h"
#include "proxy/io/sync.h"

namespace poplar::upstream {

// A name server in the simulated world: answers as it is told to.
class ScriptedResolver final : public io::Resolver {
 public:
  using Kind = io::ResolveError::Kind;

  void SetHost(const std::string& name, const std::vector<std::string>& addresses,
               io::Duration ttl = std::chrono::seconds(10)) {
    faults_.erase(name);
    hosts_[name] = {.addresses = {}, .ttl = ttl};
    for (const std::string& address : addresses)
      hosts_[name].addresses.push_back(*io::Address::Parse(address, 0));
  }
  void SetHalf(const std::string& name) { hosts_[name].whole = false; }
  void SetService(const std::string& name, std::vector<io::ServiceTarget> targets,
                  io::Duration ttl = std::chrono::seconds(10)) {
    faults_.erase(name);
    services_[name] = {.targets = std::move(targets), .ttl = ttl};
  }
  void Fail(const std::string& name, Kind kind) {
    faults_[name] = {kind, name + (kind == Kind::kFailed ? ": no answer" : ": there is no such")};
  }
  // Until Release or Stop no question for a host is answered; then by what counts by then.
  void Hold() { held_ = true; }
  void Release() {
    held_ = false;
    for (io::Event* waiter : waiters_) waiter->Signal();
  }

  io::Task<tl::expected<io::HostAddresses, io::ResolveError>> LookUpHost(io::Proactor& proactor,
                                                                         std::string host,
                                                                         uint16_t port) override {
    asked.push_back(host);
    at.push_back(proactor.Now());
    if (held_) co_await BeHeld(proactor);
    if (stopped_) co_return tl::unexpected(io::ResolveError{Kind::kStopped, "stopped"});
    const auto fault = faults_.find(host);
    if (fault != faults_.end()) co_return tl::unexpected(fault->second);
    const auto found = hosts_.find(host);
    if (found == hosts_.end())
      co_return tl::unexpected(io::ResolveError{Kind::kNotFound, host + ": there is no such"});
    io::HostAddresses answer = found->second;
    for (io::Address& address : answer.addresses) address.set_port(port);
    co_return answer;
  }
  io::Task<tl::expected<io::ServiceTargets, io::ResolveError>> LookUpService(
      io::Proactor& proactor, std::string name) override {
    asked.push_back(name);
    at.push_back(proactor.Now());
    if (stopped_) co_return tl::unexpected(io::ResolveError{Kind::kStopped, "stopped"});
    const auto fault = faults_.find(name);
    if (fault != faults_.end()) co_return tl::unexpected(fault->second);
    co_return services_.at(name);
  }
  void Stop() override {
    stopped_ = true;
    Release();
  }

  std::vector<std::string> asked;
  std::vector<io::Time> at;

 private:
  io::Task<void> BeHeld(io::Proactor& proactor) {
    io::Event released(proactor.ready());
    waiters_.push_back(&released);
    co_await released.Wait();
    std::erase(waiters_, &released);
  }

  std::map<std::string, io::HostAddresses> hosts_;
  std::map<std::string, io::ServiceTargets> services_;
  std::map<std::string, io::ResolveError> faults_;
  bool held_ = false;
  std::vector<io::Event*> waiters_;
  bool stopped_ = false;
};

}  // namespace poplar::upstream
