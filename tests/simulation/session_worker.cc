#include "tests/simulation/session_worker.h"

#include <utility>

#include "proxy/session/parked_elsewhere.h"

namespace poplar::simulation {

SessionWorker::SessionWorker(Network& network, std::string_view name, const io::Address& host,
                             const Shared& shared, SessionMistake mistake)
    : world_(network.world()),
      shared_(shared),
      mistake_(mistake),
      proactor_(network, name, host),
      accepting_(proactor_.ready()),
      keeping_(proactor_.ready()),
      serving_(proactor_.ready()) {
  if (mistake == SessionMistake::kForgetsWaiter) proactor_.set_post_mishap(3, io::Duration::max());
  if (mistake == SessionMistake::kJumpsQueue) proactor_.set_post_mishap(2, std::chrono::seconds(3));
}

void SessionWorker::Start(std::shared_ptr<const session::Settings> settings) {
  settings_ = newest_ = std::move(settings);
  const io::Result<io::SocketId> listener =
      proactor_.Listen(*io::Address::Parse("0.0.0.0", 995), {.backlog = 8});
  world_.Require(listener.has_value(), "Poplar can't listen");
  listener_ = *listener;
  address_ = proactor_.LocalAddress(listener_);
  accepting_.Spawn(AcceptAll());
}

void SessionWorker::Keep(upstream::Cluster& cluster, upstream::Node& node) {
  keepers_.push_back(
      std::make_unique<upstream::Keeper>(proactor_, keeping_, cluster, node, shared_.observer));
  keeping_.Spawn(keepers_.back()->Run());
}

void SessionWorker::Discover(upstream::Discovery& discovery) {
  discovery_ = &discovery;
  keeping_.Spawn(discovery.Run());
}

io::Task<void> SessionWorker::AcceptAll() {
  while (true) {
    const io::Result<io::Accepted> accepted = co_await proactor_.Accept(listener_);
    if (accepted) {
      ++accepted_;
      serving_.Spawn(Serve(*accepted));
    } else if (accepted.error().cancelled()) {
      break;
    } else {
      co_await proactor_.Sleep(std::chrono::milliseconds(100));
    }
  }
  proactor_.Close(std::exchange(listener_, io::SocketId::kNone));
}

session::Environment SessionWorker::EnvironmentWith(balancer::Affinity& affinity) {
  return {proactor_,           serving_,    affinity,      shared_.digest,   shared_.sealer,
          shared_.listing_key, shared_.log, shared_.meter, shared_.observer, shared_.admission,
          newcomers_,          nullptr,     &newest_};
}

io::Task<void> SessionWorker::Serve(io::Accepted accepted) {
  balancer::Affinity& affinity = mistake_ == SessionMistake::kIgnoresAffinity
                                     ? own_affinities_.emplace_back()
                                     : shared_.affinity;
  session::Environment environment = EnvironmentWith(affinity);
  session::Session session(environment, settings_, settings_->listeners.front(), accepted);
  const auto entry = sessions_.insert(sessions_.end(), &session);
  if (draining_) session.Drain();
  if (aborted_) session.Abort();
  io::Event woken(proactor_.ready());
  while (co_await session.Run()) {
    session.Rest(io::Waker::Of(woken));
    co_await woken.Wait();
  }
  sessions_.erase(entry);
}

void SessionWorker::StopAccepting() {
  if (listener_ != io::SocketId::kNone) proactor_.Abort(listener_);
  stopping_ = true;
  for (const auto& keeper : keepers_) keeper->Stop();
  if (discovery_ != nullptr) discovery_->Stop();
}

void SessionWorker::Drain() {
  draining_ = true;
  for (session::Session* session : sessions_) session->Drain();
}

void SessionWorker::Abort() {
  aborted_ = true;
  for (session::Session* session : sessions_) session->Abort();
}

void SessionWorker::DropNode(balancer::NodeId node) {
  for (session::Session* session : sessions_) session->DropNode(node);
}

void SessionWorker::LookAtNode(balancer::NodeId node) {
  for (session::Session* session : sessions_) session->LookAtNode(node);
}

void SessionWorker::LookAtMove(size_t move) {
  for (session::Session* session : sessions_) session->LookAtMoves();
  session::Environment environment = EnvironmentWith(shared_.affinity);
  if (!stopping_) session::EndParkedOf(environment, *settings_, move);
}

void SessionWorker::UseSettings(std::shared_ptr<const session::Settings> newest) {
  newest_ = std::move(newest);
}

void SessionWorker::MustBeClean() {
  world_.Require(sessions_.empty() && idle(), "a session is left");
  keepers_.clear();
  proactor_.MustBeIdle();
}

void SessionWorker::MustKeepBounds() {
  const size_t in_use = proactor_.buffers().in_use();
  world_.Require(in_use <= proactor_.buffers().count_max(), "more buffers than the pool may hold");
  // The listener, one just accepted, a session's two, and those that are opened ahead or given up.
  world_.Require(proactor_.open_sockets() <= 2 + 2 * serving_.count() + keeping_.count(),
                 "more sockets than sessions");
}

}  // namespace poplar::simulation
