// What the server has to do with other Poplars: it tells them what operators say, and obeys theirs.
#include "proxy/server/server.h"

namespace poplar::server {

void Server::AddReplicas() {
  if (replicas_ == nullptr) return;
  replicas_->Connect(shared_, settings_, workers_, log_,
                     [this](const shared_state::Word& word) { Obey(word); });
}

// What an operator has said to another replica.
void Server::Obey(const shared_state::Word& word) {
  if (word.kind == shared_state::Word::Kind::kMove) {
    (void)SetMoveHere(word.subject, word.permille);
    return;
  }
  const size_t end = word.subject.find('/');
  if (end == std::string::npos) return;
  (void)SetNodeStateHere(word.subject.substr(0, end), word.subject.substr(end + 1), word.state);
}

// Others' sessions may be of the user whom it means, or have the id.
metrics::ApiResult<metrics::KickResult> Server::Kick(const metrics::KickQuery& query) {
  using Kind = shared_state::Word::Kind;
  if (replicas_ != nullptr) {
    const bool of_user = !query.user.empty();
    replicas_->Say({.kind = of_user ? Kind::kKickUser : Kind::kKickSession,
                    .subject = of_user ? query.user : query.session,
                    .now = query.now});
  }
  return api_->Kick(query);
}

}  // namespace poplar::server
