// Who listens in on a session: nobody, mostly.
#include <string>
#include <utility>

#include "proxy/session/session.h"

namespace poplar::session {

// Null: nothing is traced, nor was this session.
Tracing* Session::LookForTraces() {
  const auto* const newest = environment_.traces;
  if (tracing_ == nullptr && newest != nullptr && !(*newest)->empty())
    tracing_ = std::make_unique<Tracing>(*newest, record_.id);
  return tracing_.get();
}

void Session::TraceClient(trace::Tap::Start start) {
  if (LookForTraces() == nullptr) return;
  tracing_->SetClient(record_.client);
  tapping_.DropAllBut(tracing_->All());
  ListenIn(start);
}

// From here on, and what the client has sent ahead.
void Session::TraceUser(const pop3::Credential& credential) {
  using Start = trace::Tap::Start;
  if (LookForTraces() == nullptr) return;
  tracing_->SetUser(record_.user);
  ListenIn(credential.mechanism ? Start::kAuthAnswer : Start::kLoginAnswer,
           credential.identity.secret.Expose());
}

void Session::StopTracingUser() {
  if (tracing_ == nullptr) return;
  tracing_->ForgetUser();
  tapping_.DropAllBut(tracing_->All());
}

// `secret`: what the client has shown for the login whose answer is due.
void Session::ListenIn(trace::Tap::Start start, std::string_view secret) {
  if (tracing_ == nullptr) return;
  trace::Taps taps = tracing_->ClientTaps(tapping_, start);
  if (taps.empty()) return;
  std::string whose = record_.client.Text() + " at " + std::string(record_.listener);
  if (!record_.tls_version.empty()) whose.append(", ").append(record_.tls_version);
  if (start != trace::Tap::Start::kGreeting && !record_.mechanism.empty())
    whose.append(", login by ").append(record_.mechanism);
  for (const auto& tap : taps) {
    tap->Note(whose);
    tap->transcript().Hide(secret);
    tap->transcript().FromClient(input_.lines.unread());
  }
  tapping_.Add(client_, trace::TracedStream::Peer::kClient, std::move(taps));
}

}  // namespace poplar::session
