#include "tests/simulation/session_poplar.h"

#include <utility>

namespace poplar::simulation {

void RecordingLog::Write(const session::Record& record) {
  const bool failed = session::SideOf(record.reason) == session::Side::kNode;
  if (mistake_ == SessionMistake::kLosesRecord && failed) return;
  records_.push_back(record);
}

SessionPoplar::SessionPoplar(Network& network, SessionMistake mistake)
    : world_(network.world()),
      mistake_(mistake),
      proactor_(network, "poplar", *io::Address::Parse("10.0.0.1", 0)),
      accepting_(proactor_.ready()),
      serving_(proactor_.ready()),
      digest_(proactor_.random()),
      log_(mistake) {
  world_.Join(*this);
}

SessionPoplar::~SessionPoplar() { world_.Leave(*this); }

void SessionPoplar::Start(std::shared_ptr<const session::Settings> settings) {
  settings_ = std::move(settings);
  const io::Result<io::SocketId> listener =
      proactor_.Listen(*io::Address::Parse("0.0.0.0", 995), {.backlog = 8});
  world_.Require(listener.has_value(), "Poplar can't listen");
  listener_ = *listener;
  address_ = proactor_.LocalAddress(listener_);
  accepting_.Spawn(AcceptAll());
}

io::Task<void> SessionPoplar::AcceptAll() {
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

io::Task<void> SessionPoplar::Serve(io::Accepted accepted) {
  std::unique_ptr<balancer::Affinity> own;
  if (mistake_ == SessionMistake::kIgnoresAffinity) own = std::make_unique<balancer::Affinity>();
  session::Environment environment{proactor_, serving_, own ? *own : affinity_, digest_, log_,
                                   meter_,    observer_};
  session::Session session(environment, settings_, settings_->listeners.front(), accepted);
  const auto entry = sessions_.insert(sessions_.end(), &session);
  if (draining_) session.Drain();
  if (aborted_) session.Abort();
  co_await session.Run();
  sessions_.erase(entry);
}

void SessionPoplar::StopAccepting() {
  if (listener_ != io::SocketId::kNone) proactor_.Abort(listener_);
}

void SessionPoplar::Drain() {
  world_.Log(proactor_.actor(), "drains");
  StopAccepting();
  draining_ = true;
  for (session::Session* session : sessions_) session->Drain();
}

void SessionPoplar::Abort() {
  world_.Log(proactor_.actor(), "aborts its sessions");
  StopAccepting();
  aborted_ = true;
  for (session::Session* session : sessions_) session->Abort();
}

void SessionPoplar::Poke() {
  const size_t in_use = proactor_.buffers().in_use();
  world_.Require(in_use <= proactor_.buffers().count_max(), "more buffers than the pool may hold");
  // The listener, one just accepted, a session's two, and those that are being given up.
  world_.Require(proactor_.open_sockets() <= 2 + 2 * serving_.count(),
                 "more sockets than sessions");
  world_.Require(affinity_.Users() <= sessions_.size(), "more leases than sessions");
}

void SessionPoplar::MustBeClean() {
  world_.Require(sessions_.empty() && idle(), "a session is left");
  world_.Require(affinity_.Users() == 0, "a lease is left");
  world_.Require(meter_.sessions() == 0, "a session's end was not counted once");
  world_.Require(meter_.node_sessions() == 0, "a node's session was not counted off once");
  world_.Require(log_.records().size() == accepted_, "not one record for each session");
  proactor_.MustBeIdle();
}

}  // namespace poplar::simulation
