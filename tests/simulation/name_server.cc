#include "tests/simulation/name_server.h"

#include <algorithm>
#include <optional>

#include "tests/simulation/session_node.h"

namespace poplar::simulation {
namespace {

using Kind = io::ResolveError::Kind;
using std::chrono::milliseconds;

double DrawFailure(World& world) {
  SeededRandom random = world.Stream("name server's failures");
  return random.Chance(0.4) && world.Allows("name server fails") ? 0.2 : 0;
}

}  // namespace

NameServer::NameServer(World& world, const Places& places)
    : world_(world),
      places_(places),
      random_(world.Stream("name server")),
      actor_(world.log().AddActor("name server")),
      latency_max_(random_.Between(milliseconds(1), milliseconds(random_.Chance(0.2) ? 1000 : 50))),
      failure_(DrawFailure(world)),
      named_(places.names.size()),
      removals_(places.names.size()),
      told_(places.names.size()),
      changes_(places.names.size()) {}

void NameServer::SetNamed(size_t node, bool named) {
  if (named_[node] == named) return;
  named_[node] = named;
  ++changes_[node];
  world_.log().Note(world_.Now(), actor_,
                    (named ? "names " : "no longer names ") + places_.names[node]);
}

void NameServer::Remove(size_t node) {
  ++removals_[node];
  world_.log().Note(world_.Now(), actor_, "has a new address of " + places_.names[node]);
}

std::optional<io::ResolveError> NameServer::Fault() {
  if (stopped_) return io::ResolveError{Kind::kStopped, "stopped"};
  if (!random_.Chance(failure_)) return std::nullopt;
  world_.log().Note(world_.Now(), actor_, "has no answer");
  return io::ResolveError{Kind::kFailed, "no answer"};
}

io::Task<tl::expected<io::HostAddresses, io::ResolveError>> NameServer::LookUpHost(
    io::Proactor& proactor, std::string host, uint16_t port) {
  co_await proactor.Sleep(random_.Between(io::Duration(0), latency_max_));
  if (auto fault = Fault()) co_return tl::unexpected(std::move(*fault));
  const io::Duration ttl = random_.Between(milliseconds(0), milliseconds(3000));
  if (!places_.by_service) {
    io::HostAddresses answer = Addresses();
    answer.ttl = ttl;
    if (!answer.addresses.empty()) co_return answer;
    co_return tl::unexpected(io::ResolveError{Kind::kFailed, "no answer"});
  }
  const auto found = std::find(places_.names.begin(), places_.names.end(), host);
  world_.Require(found != places_.names.end() && port == SessionNode::kPort,
                 "nobody is called that");
  const auto node = static_cast<size_t>(found - places_.names.begin());
  co_return io::HostAddresses{
      .addresses = {SessionNode::AddressOf(node, removals_[node])}, .ttl = ttl, .whole = true};
}

// A part, as if some were of another family, whose question has failed.
io::HostAddresses NameServer::Addresses() {
  io::HostAddresses answer;
  answer.whole = !random_.Chance(failure_);
  for (size_t i = 0; i < named_.size(); ++i) {
    const bool missing = !answer.whole && random_.Chance(0.5);
    if (named_[i] && !missing) answer.addresses.push_back(SessionNode::AddressOf(i, removals_[i]));
    if (answer.whole || (named_[i] && !missing)) told_[i] = named_[i];
  }
  return answer;
}

io::Task<tl::expected<io::ServiceTargets, io::ResolveError>> NameServer::LookUpService(
    io::Proactor& proactor, std::string name) {
  world_.Require(name == kName, "another service was asked for");
  co_await proactor.Sleep(random_.Between(io::Duration(0), latency_max_));
  if (auto fault = Fault()) co_return tl::unexpected(std::move(*fault));
  io::ServiceTargets answer;
  answer.ttl = random_.Between(milliseconds(0), milliseconds(3000));
  for (size_t i = 0; i < named_.size(); ++i) {
    told_[i] = named_[i];
    if (named_[i]) answer.targets.push_back({.host = places_.names[i], .port = SessionNode::kPort});
  }
  co_return answer;
}

}  // namespace poplar::simulation
