#include "proxy/server/worker.h"

#include <utility>

#include "metrics/instruments.h"
#include "proxy/session/parked_elsewhere.h"

namespace poplar::server {
namespace {

constexpr io::Duration kSampleInterval = std::chrono::seconds(1);
// Between looks at which clients are silent, while a drain waits for them.
constexpr io::Duration kLeavingInterval = std::chrono::milliseconds(250);

}  // namespace

tl::expected<std::unique_ptr<Worker>, io::RingRefusal> Worker::Create(
    Shared& shared, std::shared_ptr<const session::Settings> settings, metrics::Shard& shard,
    Log& log, const io::Clock& clock, const Options& options) {
  std::unique_ptr<Worker> worker(new Worker(shared, std::move(settings), shard, log, clock));
  auto proactor = io::OpenProactor(options.engine, clock, worker->random_,
                                   {.buffer_bytes_max = options.buffer_bytes_max});
  if (!proactor) return tl::unexpected(proactor.error());
  io::Proactor& world = **proactor;
  worker->proactor_ = std::move(*proactor);
  worker->accepting_ = std::make_unique<io::TaskScope>(world.ready());
  worker->keeping_ = std::make_unique<io::TaskScope>(world.ready());
  worker->serving_ = std::make_unique<io::TaskScope>(world.ready());
  worker->sharing_ = std::make_unique<io::TaskScope>(world.ready());
  worker->root_ = std::make_unique<io::TaskScope>(world.ready());
  worker->lookups_ = std::make_unique<WorkerLookups>(*shared.maps, shared.directories, world);
  worker->environment_.reset(new session::Environment{
      world, *worker->serving_, shared.affinity, shared.digest, shared.sealer, shared.listing_key,
      log, worker->meter_, worker->observer_, shared.admission, worker->newcomers_,
      worker->lookups_.get(), &worker->newest_, &worker->traces_, shared.successor});
  worker->service_ = shared.autoconfig;
  if (shared.autoconfig != nullptr) {
    worker->autoconfig_ = std::make_unique<autoconfig::HttpServer>(
        worker->TermsOfAutoconfig(),
        autoconfig::HttpServer::Environment{world, *worker->serving_, shared.admission.connections,
                                            worker->newcomers_, worker->visits_});
  }
  worker->sampler_ = std::make_unique<io::Timer>(
      world.timers(), [](void* context) { static_cast<Worker*>(context)->Sample(); }, worker.get());
  worker->leaving_timer_ = std::make_unique<io::Timer>(
      world.timers(), [](void* context) { static_cast<Worker*>(context)->EndSilent(); },
      worker.get());
  worker->stopped_ = std::make_unique<io::Event>(world.ready());
  return worker;
}

Worker::Worker(Shared& shared, std::shared_ptr<const session::Settings> settings,
               metrics::Shard& shard, Log& log, const io::Clock& clock)
    : shared_(shared),
      settings_(std::move(settings)),
      newest_(settings_),
      shard_(shard),
      meter_(shard),
      observer_(shard, log, settings_),
      visits_(shard, log),
      clock_(clock) {}

Worker::~Worker() = default;

autoconfig::HttpServer::Terms Worker::TermsOfAutoconfig() const {
  return {service_, {settings_, &settings_->admission}};
}

void Worker::ListenOn(const Clients& clients, io::Descriptor socket) {
  // What is posted has to be copyable.
  proactor_->PostFromAnyThread(
      [this, clients, owned = std::make_shared<io::Descriptor>(std::move(socket))] {
        const io::Result<io::SocketId> listening = proactor_->ListenOn(owned->Release());
        if (!listening) return;
        if (clients.listener) {
          listening_.push_back({*listening, *clients.listener});
        } else {
          autoconfig_->ListenOn(*listening, clients.secure);
        }
      });
}

void Worker::StartAccepting() {
  proactor_->PostFromAnyThread([this] {
    for (const Listening& listening : listening_) accepting_->Spawn(AcceptFrom(listening));
    if (autoconfig_ != nullptr) autoconfig_->Start(*accepting_);
  });
}

void Worker::CloseListeners() {
  for (const Listening& listening : std::exchange(listening_, {}))
    proactor_->Abort(listening.socket);
  if (autoconfig_ != nullptr) autoconfig_->StopAccepting();
}

void Worker::StopListening() {
  proactor_->PostFromAnyThread([this] { CloseListeners(); });
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
  root_->Spawn(StopWhenEmpty());
  Sample();
  proactor_->Run();
  sampler_->Disarm();
  leaving_timer_->Disarm();
  ended_ = true;
}

io::Task<void> Worker::AcceptFrom(Listening listening) {
  for (;;) {
    const io::Result<io::Accepted> accepted = co_await proactor_->Accept(listening.socket);
    if (!accepted) break;
    auto place = Admit(settings_->listeners[listening.listener], accepted->peer);
    if (place) {
      Begin(listening, *accepted, std::move(*place));
    } else {
      meter_.ConnectionRefused(listening.listener, place.error());
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

void Worker::Begin(const Listening& listening, const io::Accepted& accepted, session::Place place) {
  const session::ListenerSettings& listener = settings_->listeners[listening.listener];
  std::unique_ptr<Served> served(new Served{
      *this, session::Session(*environment_, settings_, listener, accepted, std::move(place))});
  sessions_.insert(&served->session);
  if (draining_) served->session.Drain();
  if (aborting_) served->session.Abort();  // accepted when the others had been ended
  serving_->Spawn(Serve(std::move(served)));
}

// One that rests is nobody's but its own until it wakes.
io::Task<void> Worker::Serve(std::unique_ptr<Served> served) {
  Worker& worker = served->worker;
  if (!co_await served->session.Run()) {
    worker.sessions_.erase(&served->session);
    co_return;
  }
  worker.serving_->Keep();
  Served* resting = served.release();
  resting->session.Rest({[](void* context) {
                           std::unique_ptr<Served> woken(static_cast<Served*>(context));
                           woken->worker.serving_->SpawnKept(Serve(std::move(woken)));
                         },
                         resting});
}

io::Task<void> Worker::StopWhenEmpty() {
  co_await stopped_->Wait();
  co_await accepting_->Empty();
  co_await keeping_->Empty();
  co_await serving_->Empty();
  on_empty_();
  co_await sharing_->Empty();
  lookups_->Stop();
  co_await lookups_->Ended();
  proactor_->Stop();
}

void Worker::StopAccepting() {
  proactor_->PostFromAnyThread([this] {
    stopping_ = true;
    stopped_->Signal();
    CloseListeners();
    for (const auto& keeper : keepers_) keeper->Stop();
    for (const auto& prober : probers_) prober->Stop();
    for (const auto& discovery : discoveries_) discovery->Stop();
  });
}

void Worker::LeaveWhenSilent(io::Duration silence) {
  proactor_->PostFromAnyThread([this, silence] {
    silence_ = silence;
    leaving_since_ = proactor_->Now();
    for (session::Session* session : sessions_) session->BeginLeaving(silence);
    EndSilent();
  });
}

void Worker::EndSilent() {
  for (session::Session* session : sessions_) session->LeaveIfSilent(leaving_since_, silence_);
  leaving_timer_->Arm(proactor_->Now() + kLeavingInterval);
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

void Worker::UseSettings(std::shared_ptr<const session::Settings> base,
                         std::shared_ptr<const session::Settings> newest) {
  proactor_->PostFromAnyThread(
      [this, base = std::move(base), newest = std::move(newest)]() mutable {
        settings_ = std::move(base);
        newest_ = std::move(newest);
        if (autoconfig_ != nullptr) autoconfig_->Use(TermsOfAutoconfig());
      });
}

void Worker::UseAutoconfig(std::shared_ptr<const autoconfig::Service> service) {
  proactor_->PostFromAnyThread([this, service = std::move(service)]() mutable {
    service_ = std::move(service);
    if (autoconfig_ != nullptr) autoconfig_->Use(TermsOfAutoconfig());
  });
}

void Worker::UseDirectories(std::shared_ptr<Directories> directories) {
  proactor_->PostFromAnyThread([this, directories = std::move(directories)]() mutable {
    lookups_->Use(std::move(directories));
  });
}

void Worker::LookAtTerms() {
  proactor_->PostFromAnyThread([this] {
    for (const auto& prober : probers_) prober->LookAtTerms();
  });
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
void Worker::LookAtMove(std::string move) {
  proactor_->PostFromAnyThread([this, move = std::move(move)] {
    for (session::Session* session : sessions_) session->LookAtMoves();
    // Else all that is parked ends anyway.
    const auto number = newest_->moves == nullptr ? std::nullopt : newest_->moves->Find(move);
    if (!stopping_ && number) session::EndParkedOf(*environment_, *newest_, *number);
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
  lookups_->LetGo();
  on_each_second_();
  sampler_->Arm(proactor_->Now() + kSampleInterval);
}

}  // namespace poplar::server
