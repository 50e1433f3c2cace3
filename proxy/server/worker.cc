#include "proxy/server/worker.h"

#include <utility>

#include "metrics/instruments.h"
#include "proxy/session/parked_elsewhere.h"

namespace poplar::server {
namespace {

constexpr io::Duration kSampleInterval = std::chrono::seconds(1);

}  // namespace

tl::expected<std::unique_ptr<Worker>, io::RingRefusal> Worker::Create(
    Shared& shared, std::shared_ptr<const session::Settings> settings, metrics::Shard& shard,
    Log& log, const io::Clock& clock, const Options& options) {
  std::unique_ptr<Worker> worker(new Worker(shared, std::move(settings), shard, log, clock));
  auto proactor = io::UringProactor::Create(clock, worker->random_,
                                            {.buffer_bytes_max = options.buffer_bytes_max});
  if (!proactor) return tl::unexpected(proactor.error());
  io::UringProactor& world = **proactor;
  worker->proactor_ = std::move(*proactor);
  worker->accepting_ = std::make_unique<io::TaskScope>(world.ready());
  worker->keeping_ = std::make_unique<io::TaskScope>(world.ready());
  worker->serving_ = std::make_unique<io::TaskScope>(world.ready());
  worker->sharing_ = std::make_unique<io::TaskScope>(world.ready());
  worker->root_ = std::make_unique<io::TaskScope>(world.ready());
  worker->lookups_ =
      std::make_unique<WorkerLookups>(*shared.maps, *shared.directories, world, *worker->serving_);
  worker->environment_.reset(new session::Environment{
      world, *worker->serving_, shared.affinity, shared.digest, shared.sealer, shared.listing_key,
      log, worker->meter_, worker->observer_, shared.admission, worker->newcomers_,
      worker->lookups_.get(), &worker->newest_, &worker->traces_});
  if (shared.autoconfig != nullptr) {
    worker->autoconfig_ = std::make_unique<autoconfig::HttpServer>(
        *shared.autoconfig, autoconfig::HttpServer::Environment{
                                world, *worker->serving_, worker->settings_->admission,
                                shared.admission.connections, worker->newcomers_, worker->visits_});
  }
  worker->sampler_ = std::make_unique<io::Timer>(
      world.timers(), [](void* context) { static_cast<Worker*>(context)->Sample(); }, worker.get());
  return worker;
}

Worker::Worker(Shared& shared, std::shared_ptr<const session::Settings> settings,
               metrics::Shard& shard, Log& log, const io::Clock& clock)
    : shared_(shared),
      settings_(std::move(settings)),
      newest_(settings_),
      shard_(shard),
      meter_(shard),
      observer_(shard, log, *settings_),
      visits_(shard, log),
      clock_(clock) {}

Worker::~Worker() = default;

io::Result<io::Address> Worker::Listen(const session::ListenerSettings& listener,
                                       const io::Address& address) {
  const io::Result<io::SocketId> socket = proactor_->Listen(address, {});
  if (!socket) return tl::unexpected(socket.error());
  listening_.push_back({*socket, &listener});
  return proactor_->LocalAddress(*socket);
}

io::Result<io::Address> Worker::ListenForAutoconfig(const io::Address& address, bool secure) {
  return autoconfig_->Listen(address, secure);
}

void Worker::Keep(upstream::Cluster& cluster, upstream::Node& node) {
  keepers_.push_back(
      std::make_unique<upstream::Keeper>(*proactor_, *keeping_, cluster, node, observer_));
  probers_.push_back(std::make_unique<upstream::Prober>(*proactor_, cluster, node, observer_));
}

const upstream::Discovery& Worker::Discover(upstream::Cluster& cluster, io::Resolver& resolver,
                                            upstream::DiscoveryOptions options,
                                            upstream::DiscoveryHost& host) {
  return *discoveries_.emplace_back(std::make_unique<upstream::Discovery>(
      *proactor_, resolver, cluster, std::move(options), observer_, host));
}

void Worker::Run() {
  lookups_->Start();
  if (replica_ != nullptr) sharing_->Spawn(replica_->Run());
  for (const auto& keeper : keepers_) keeping_->Spawn(keeper->Run());
  for (const auto& prober : probers_) keeping_->Spawn(prober->Run());
  for (const auto& discovery : discoveries_) keeping_->Spawn(discovery->Run());
  for (const Listening& listening : listening_) accepting_->Spawn(AcceptFrom(listening));
  if (autoconfig_ != nullptr) autoconfig_->Start(*accepting_);
  root_->Spawn(StopWhenEmpty());
  Sample();
  proactor_->Run();
  sampler_->Disarm();
  ended_ = true;
}

io::Task<void> Worker::AcceptFrom(Listening listening) {
  for (;;) {
    const io::Result<io::Accepted> accepted = co_await proactor_->Accept(listening.socket);
    if (!accepted) break;
    auto place = Admit(*listening.settings, accepted->peer);
    if (place) {
      serving_->Spawn(Serve(*accepted, listening.settings, std::move(*place)));
    } else {
      meter_.ConnectionRefused(listening.settings->index, place.error());
      proactor_->Close(accepted->socket);
    }
  }
  proactor_->Close(listening.socket);
}

tl::expected<session::Place, admission::Refusal> Worker::Admit(
    const session::ListenerSettings& listener, const io::Address& peer) {
  const admission::Policy& policy = settings_->admission;
  admission::ConnectionLimits& limits = shared_.admission.connections;
  auto place = limits.Admit(policy, proactor_->Now());
  if (!place) return place;
  // Behind a load balancer or another proxy the session itself learns who the client is.
  if (!listener.proxy_protocol_from.Contains(peer) && !listener.xclient_from.Contains(peer)) {
    const auto refusal = session::Identify(*place, *settings_, listener, peer, proactor_->Now());
    if (refusal) return tl::unexpected(*refusal);
  }
  if (limits.TooManyUnauthenticated(policy) && !newcomers_.EndOldest())
    return tl::unexpected(admission::Refusal::kUnauthenticated);
  return place;
}

io::Task<void> Worker::Serve(io::Accepted accepted, const session::ListenerSettings* listener,
                             session::Place place) {
  session::Session session(*environment_, settings_, *listener, accepted, std::move(place));
  sessions_.insert(&session);
  if (draining_) session.Drain();
  if (aborting_) session.Abort();  // accepted, but not begun when the others were ended
  co_await session.Run();
  sessions_.erase(&session);
}

io::Task<void> Worker::StopWhenEmpty() {
  co_await accepting_->Empty();
  co_await keeping_->Empty();
  co_await serving_->Empty();
  if (replica_ != nullptr) replica_->Stop();
  co_await sharing_->Empty();
  lookups_->Stop();
  co_await lookups_->Ended();
  proactor_->Stop();
}

void Worker::StopAccepting() {
  proactor_->PostFromAnyThread([this] {
    stopping_ = true;
    for (const Listening& listening : std::exchange(listening_, {}))
      proactor_->Abort(listening.socket);
    if (autoconfig_ != nullptr) autoconfig_->StopAccepting();
    for (const auto& keeper : keepers_) keeper->Stop();
    for (const auto& prober : probers_) prober->Stop();
    for (const auto& discovery : discoveries_) discovery->Stop();
  });
}

void Worker::NodeChanged(const balancer::Transition& transition) {
  proactor_->PostFromAnyThread([this, transition] { observer_.NodeChanged(transition); });
}

void Worker::DropNode(balancer::NodeId node) {
  proactor_->PostFromAnyThread([this, node] {
    for (session::Session* session : sessions_) session->DropNode(node);
  });
}

void Worker::OnNodeChanged(std::function<void(balancer::NodeId)> tell) {
  observer_.set_on_change(std::move(tell));
}

void Worker::LookAtNode(balancer::NodeId node) {
  proactor_->PostFromAnyThread([this, node] {
    for (session::Session* session : sessions_) session->LookAtNode(node);
  });
}

void Worker::UseSettings(std::shared_ptr<const session::Settings> newest) {
  proactor_->PostFromAnyThread(
      [this, newest = std::move(newest)]() mutable { newest_ = std::move(newest); });
}

void Worker::UseTraces(std::shared_ptr<const trace::Rules> rules) {
  proactor_->PostFromAnyThread(
      [this, rules = std::move(rules)]() mutable { traces_ = std::move(rules); });
}

void Worker::LookAtSessions(std::function<void(const SessionSet& sessions, io::Time now)> look) {
  proactor_->PostFromAnyThread(
      [this, look = std::move(look)] { look(sessions_, proactor_->Now()); });
}

void Worker::EndParked(std::string user, std::function<void(size_t)> tell) {
  proactor_->PostFromAnyThread([this, user = std::move(user), tell = std::move(tell)] {
    size_t count = 0;
    const auto canonical = balancer::CanonicalUser::FromCanonical(user);
    // When it stops all that is parked ends anyway.
    for (size_t i = 0; i < settings_->clusters.size() && !stopping_; ++i)
      count += session::EndParked(*environment_, *settings_, settings_->clusters[i]->id, canonical);
    tell(count);
  });
}

void Worker::AskDirectory(size_t index, std::string user,
                          std::function<void(directory::Answer)> tell) {
  proactor_->PostFromAnyThread([this, index, user = std::move(user), tell = std::move(tell)] {
    if (stopping_) return tell({.text = "Poplar is stopping"});
    serving_->Spawn(PassAnswer(index, user, tell));
  });
}

io::Task<void> Worker::PassAnswer(size_t index, std::string user,
                                  std::function<void(directory::Answer)> tell) {
  directory::Question question{.user = user, .login = user};
  tell(co_await lookups_->Ask(index, std::move(question)));
}

// The share is changed before this is posted: whatever a session of this worker's does behind it,
// parking included, knows the new one.
void Worker::LookAtMove(size_t move) {
  proactor_->PostFromAnyThread([this, move] {
    for (session::Session* session : sessions_) session->LookAtMoves();
    // Else all that is parked ends anyway.
    if (!stopping_) session::EndParkedOf(*environment_, *settings_, move);
  });
}

void Worker::DrainSessions() {
  proactor_->PostFromAnyThread([this] {
    draining_ = true;
    lookups_->Stop();  // one that hangs would keep its sessions from their boundary
    for (session::Session* session : sessions_) session->Drain();
  });
}

void Worker::AbortSessions() {
  proactor_->PostFromAnyThread([this] {
    aborting_ = true;
    lookups_->Stop();
    for (session::Session* session : sessions_) session->Abort();
    if (autoconfig_ != nullptr) autoconfig_->Abort();
  });
}

// Once a second: what the loop counts by itself goes to the metrics.
void Worker::Sample() {
  const io::ProactorCounters& now = proactor_->counters();
  shard_.Add(metrics::kBufferWaits, now.buffer_starvations - sampled_.buffer_starvations);
  shard_.Add(metrics::kUringCqOverflows, now.completion_overflows - sampled_.completion_overflows);
  shard_.Add(metrics::kAcceptErrors, now.accept_errors - sampled_.accept_errors);
  std::array<uint64_t, std::tuple_size_v<decltype(now.turns_by_length)>> turns;
  for (size_t i = 0; i < turns.size(); ++i)
    turns[i] = now.turns_by_length[i] - sampled_.turns_by_length[i];
  shard_.ObserveMany(metrics::kWorkerTurn, turns, now.busy - sampled_.busy);
  sampled_ = now;
  shard_.GaugeSet(metrics::kBuffersInUse, static_cast<int64_t>(proactor_->buffers().in_use()));
  shard_.GaugeSet(metrics::kWorkers, 1);
  heartbeat_.store(clock_.Now().time_since_epoch().count(), std::memory_order_relaxed);
  sampler_->Arm(proactor_->Now() + kSampleInterval);
}

}  // namespace poplar::server
