#include "proxy/upstream/discovery.h"

#include <algorithm>
#include <utility>

#include "proxy/upstream/jitter.h"

namespace poplar::upstream {
namespace {

using Changes = balancer::Seating::Changes;
using State = balancer::Seating::State;
using Kind = io::ResolveError::Kind;

template <class Value>
bool Contains(const std::vector<Value>& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

std::string Plural(size_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

}  // namespace

Discovery::Discovery(io::Proactor& proactor, io::Resolver& resolver, Cluster& cluster,
                     DiscoveryOptions options, Observer& observer, DiscoveryHost& host)
    : proactor_(proactor),
      resolver_(resolver),
      cluster_(cluster),
      options_(std::move(options)),
      observer_(observer),
      host_(host),
      alarm_(proactor),
      seating_(static_cast<uint32_t>(cluster.nodes.size())),
      sitting_(cluster.nodes.size()) {}

void Discovery::Stop() {
  stopped_ = true;
  alarm_.Ring();
}

Discovery::Status Discovery::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

io::Task<void> Discovery::Run() {
  io::Time next = proactor_.Now();
  while (!stopped_) {
    if (proactor_.Now() >= next) next = co_await Round();
    if (stopped_) break;
    Vacate();
    const bool any_leaving = seating_.Count(State::kLeaving) > 0;
    co_await alarm_.Until(any_leaving ? std::min(next, proactor_.Now() + kTick) : next);
  }
}

// Late rather than early by chance: an answer asked for before its time is the old one.
io::Task<io::Time> Discovery::Round() {
  Answered answered = co_await Ask();
  const io::Time now = proactor_.Now();
  const bool stops = !answered && answered.error().kind == Kind::kStopped;
  if (stopped_ || stops) co_return now + options_.ttl_min;
  io::Duration pause = options_.ttl_min;
  if (answered) {
    if (answered->trouble.empty()) pause = answered->ttl;
    OnTrouble(std::move(answered->trouble));
    failures_ = 0;
    Take(std::move(answered->nodes));
  } else {
    pause *= int64_t{1} << std::min(failures_++, 20);
    OnTrouble(std::move(answered.error().text));
  }
  {
    const std::lock_guard lock(mutex_);
    if (answered) status_.last_answer = now;
    ++(answered                                   ? status_.ok
       : answered.error().kind == Kind::kNotFound ? status_.not_found
                                                  : status_.failed);
  }
  UpdateStatus();
  pause = std::clamp(pause, options_.ttl_min, options_.ttl_max);
  co_return now + Between(proactor_.random(), pause, pause + pause / 10);
}

io::Task<Discovery::Answered> Discovery::Ask() {
  Answered answered = options_.service ? co_await AskForService() : co_await AskForAddresses();
  // All hosts of a service may be gone: no more to go by than an empty answer.
  if (answered && answered->nodes.empty()) {
    co_return tl::unexpected(
        io::ResolveError{Kind::kNotFound, options_.name +
                                              ": the answer names no node that is of "
                                              "use (" +
                                              answered->trouble + ")"});
  }
  co_return answered;
}

io::Task<Discovery::Answered> Discovery::AskForAddresses() {
  const auto hosts = co_await resolver_.LookUpHost(proactor_, options_.name, options_.port);
  if (!hosts) co_return tl::unexpected(hosts.error());
  Answer answer{.nodes = {}, .ttl = hosts->ttl, .trouble = {}};
  for (const io::Address& address : hosts->addresses) {
    if (IsWanted(address)) answer.nodes.push_back({address.Host(), {}, address});
  }
  if (!hosts->whole) AddMissing(answer);
  std::sort(answer.nodes.begin(), answer.nodes.end(), [](const Found& a, const Found& b) {
    return a.address.MappedBytes() < b.address.MappedBytes();
  });
  co_return answer;
}

// One family's question has failed: its nodes are where they were.
void Discovery::AddMissing(Answer& answer) const {
  answer.trouble = options_.name + ": only one family of its addresses could be asked for";
  for (const Found& found : found_) {
    const bool listed =
        std::any_of(answer.nodes.begin(), answer.nodes.end(),
                    [&found](const Found& node) { return node.address == found.address; });
    if (!listed) answer.nodes.push_back(found);
  }
}

io::Task<Discovery::Answered> Discovery::AskForService() {
  auto service = co_await resolver_.LookUpService(proactor_, options_.name);
  if (!service) co_return tl::unexpected(service.error());
  Answer answer{.nodes = {}, .ttl = service->ttl, .trouble = {}};
  int failed = 0;
  for (const ServiceNode& node : NodesOf(std::move(service->targets))) {
    if (failed == kFailedHostsMax) {
      KeepAsItWas(node, answer);
      continue;
    }
    const auto error = co_await AskForHost(node, answer);
    if (!error) continue;
    if (error->kind == Kind::kStopped) co_return tl::unexpected(*error);
    answer.trouble.append(answer.trouble.empty() ? "" : "; ").append(error->text);
    if (error->kind == Kind::kNotFound) continue;
    ++failed;
    KeepAsItWas(node, answer);
  }
  co_return answer;
}

io::Task<std::optional<io::ResolveError>> Discovery::AskForHost(ServiceNode node, Answer& answer) {
  auto hosts = co_await resolver_.LookUpHost(proactor_, node.host, node.port);
  if (!hosts) co_return hosts.error();
  std::erase_if(hosts->addresses, [this](const auto& address) { return !IsWanted(address); });
  if (hosts->addresses.empty())
    co_return io::ResolveError{Kind::kNotFound, node.host + " has no address of that family"};
  answer.ttl = std::min(answer.ttl, hosts->ttl);
  answer.nodes.push_back({node.name, node.host, Pick(node.name, *hosts), node.weight});
  co_return std::nullopt;
}

// The name server says that there is such a node, but not where.
void Discovery::KeepAsItWas(const ServiceNode& node, Answer& answer) const {
  const auto known = std::find_if(found_.begin(), found_.end(),
                                  [&node](const Found& found) { return found.name == node.name; });
  if (known == found_.end()) return;
  answer.nodes.push_back({node.name, node.host, known->address, node.weight});
}

bool Discovery::IsWanted(const io::Address& address) const {
  switch (options_.family) {
    case AddressFamily::kAny:
      return true;
    case AddressFamily::kIpv4:
      return address.family() == AF_INET;
    case AddressFamily::kIpv6:
      return address.family() == AF_INET6;
  }
  return true;
}

// A host of several addresses is one node, at the one where it is already.
io::Address Discovery::Pick(const std::string& name, const io::HostAddresses& hosts) const {
  const auto& addresses = hosts.addresses;
  for (const Found& found : found_) {
    if (found.name != name) continue;
    if (!hosts.whole || Contains(addresses, found.address)) return found.address;
  }
  return *std::min_element(addresses.begin(), addresses.end(), [](const auto& a, const auto& b) {
    return a.MappedBytes() < b.MappedBytes();
  });
}

// --- seats

void Discovery::Take(std::vector<Found> nodes) {
  found_ = std::move(nodes);
  std::vector<std::string> names;
  names.reserve(found_.size());
  for (const Found& found : found_) names.push_back(found.name);
  const Changes changes = seating_.Take(names);
  bool changed = !changes.left.empty();
  for (size_t i = 0; i < found_.size(); ++i) {
    if (changes.seats[i]) changed = Seat(found_[i], *changes.seats[i], changes) || changed;
  }
  for (const uint32_t seat : changes.left) {
    observer_.NodeChanged(
        cluster_.health.Leave(NodeAt(seat).id, options_.name + " no longer names it"));
  }
  NoteUnseated(changes);
  if (changed) Publish();
}

// True: something about the node has changed.
bool Discovery::Seat(const Found& found, uint32_t seat, const Changes& changes) {
  Node& node = NodeAt(seat);
  const Found before = std::exchange(sitting_[seat], found);
  const bool came = Contains(changes.came, seat);
  const bool came_back = Contains(changes.came_back, seat);
  const bool moved = before.address != found.address;
  if (came) {
    cluster_.offered.Forget(node.id);
    host_.SatDown(node.id);
  } else if (moved) {
    host_.Note("node " + cluster_.name + "/" + found.name + " is at " + found.address.Text() +
                   " now, no longer at " + before.address.Text(),
               false);
  }
  if (came || moved) node.set_endpoint(EndpointOf(found));
  if (came || came_back) {
    observer_.NodeChanged(
        cluster_.health.Arrive(node.id, found.weight, status().answered,
                               options_.name + " names it, at " + found.address.Text(),
                               proactor_.Now().time_since_epoch()));
  } else if (before.weight != found.weight) {
    cluster_.health.SetWeight(node.id, found.weight);
  }
  return came || came_back || moved || before.weight != found.weight;
}

std::shared_ptr<const Endpoint> Discovery::EndpointOf(const Found& found) const {
  auto endpoint = std::make_shared<Endpoint>(options_.pattern);
  endpoint->name = cluster_.name + "/" + found.name;
  endpoint->address = found.address;
  if (endpoint->host_name.empty())
    endpoint->host_name = found.host.empty() ? options_.name : found.host;
  // Sessions of another node's are none of this one's.
  if (endpoint->tls_sessions != nullptr)
    endpoint->tls_sessions = std::make_shared<tls::ClientSessions>();
  return endpoint;
}

void Discovery::Publish() {
  std::vector<DiscoveredNode> nodes;
  for (uint32_t seat = 0; seat < sitting_.size(); ++seat) {
    if (seating_.seats()[seat].state != State::kPresent) continue;
    const Found& found = sitting_[seat];
    nodes.push_back(
        {.node = {found.name, found.weight, seat}, .address = found.address, .host = found.host});
  }
  host_.Publish(cluster_, nodes);
}

void Discovery::Vacate() {
  const auto vacated = seating_.Vacate([this](uint32_t seat) { return IsFree(seat); });
  if (vacated.empty()) return;
  for (const uint32_t seat : vacated) {
    cluster_.health.Vacate(NodeAt(seat).id);
    cluster_.offered.Forget(NodeAt(seat).id);
    sitting_[seat] = {};
  }
  if (unseated_ > 0) Take(std::move(found_));
  UpdateStatus();
}

bool Discovery::IsFree(uint32_t seat) const {
  const Node& node = NodeAt(seat);
  return cluster_.IsDeserted(node) && host_.IsForgotten(node.id);
}

// --- what is told of it

// Once for each trouble, however long it lasts.
void Discovery::OnTrouble(std::string trouble) {
  if (trouble == trouble_) return;
  const std::string where = "cluster " + cluster_.name + ": ";
  if (trouble.empty()) {
    host_.Note(where + "the trouble with " + options_.name + " is over", false);
  } else if (status().answered) {
    host_.Note(where + trouble + "; what was known before stays in force", true);
  } else {
    host_.Note(
        where + "no node is known yet: " + trouble + "; its users are told to try again later",
        true);
  }
  trouble_ = std::move(trouble);
}

void Discovery::NoteUnseated(const Changes& changes) {
  uint32_t count = 0;
  std::string names;
  for (size_t i = 0; i < found_.size(); ++i) {
    if (changes.seats[i]) continue;
    constexpr uint32_t kNamesMax = 5;
    if (count++ < kNamesMax) names.append(names.empty() ? "" : ", ").append(found_[i].name);
  }
  if (std::exchange(unseated_, count) == count || count == 0) return;
  host_.Note("cluster " + cluster_.name + ": " + options_.name + " names " + Plural(count, "node") +
                 " more than max_nodes has room for (" + std::to_string(sitting_.size()) +
                 "), which get no users: " + names + "; raise discovery.max_nodes",
             true);
}

void Discovery::UpdateStatus() {
  const std::lock_guard lock(mutex_);
  status_.answered = status_.answered || !found_.empty();
  status_.nodes = seating_.Count(State::kPresent);
  status_.leaving = seating_.Count(State::kLeaving);
  status_.unseated = unseated_;
}

}  // namespace poplar::upstream
