// What operators say while all runs: by the admin endpoint, here or to another replica, each of
// which tells the others.
#include <utility>

#include "metrics/move_page.h"
#include "proxy/server/server.h"

namespace poplar::server {
namespace {

using shared_state::Word;

balancer::AdminState Wanted(metrics::AdminState state) {
  switch (state) {
    case metrics::AdminState::kUp:
      return balancer::AdminState::kUp;
    case metrics::AdminState::kDrain:
      return balancer::AdminState::kDrain;
    case metrics::AdminState::kDown:
      return balancer::AdminState::kDown;
  }
  return balancer::AdminState::kUp;
}

}  // namespace

void Server::AddReplicas() {
  if (replicas_ == nullptr) return;
  replicas_->Connect(shared_, newest_, workers_, log_, [this](const Word& word) { Obey(word); });
}

// A process that gets ready, or that only ends what it has, counts for nothing where replicas agree
// on nodes: another one serves in its place, or it looks at them no more.
void Server::SetVoice(bool has_voice) {
  if (replicas_ != nullptr) replicas_->SetVoice(has_voice);
}

// What an operator has said to another replica.
void Server::Obey(const Word& word) {
  if (word.kind == Word::Kind::kMove) {
    (void)SetMoveHere(word.subject, word.permille);
    return;
  }
  const size_t end = word.subject.find('/');
  if (end == std::string::npos) return;
  (void)SetNodeStateHere(word.subject.substr(0, end), word.subject.substr(end + 1), word.state);
}

metrics::SetStateResult Server::SetNodeState(std::string_view cluster, std::string_view node,
                                             metrics::AdminState state) {
  const auto result = SetNodeStateHere(cluster, node, Wanted(state));
  if (result == metrics::SetStateResult::kOk && replicas_ != nullptr) {
    replicas_->Say({.kind = Word::Kind::kNode,
                    .subject = std::string(cluster).append(1, '/').append(node),
                    .state = Wanted(state)});
  }
  return result;
}

metrics::SetStateResult Server::SetNodeStateHere(std::string_view cluster, std::string_view node,
                                                 balancer::AdminState wanted) {
  const auto found = settings_->nodes->FindCluster(cluster);
  if (!found) return metrics::SetStateResult::kUnknownNode;
  upstream::Cluster& owner = settings_->ClusterOf(*found);
  for (const auto& member : owner.nodes) {
    if (upstream::NameInCluster(*member->endpoint()) != node || !owner.IsTaken(*member)) continue;
    const auto changed = owner.health.SetAdmin(member->id, wanted, clock_.Now().time_since_epoch());
    if (changed) workers_.front()->NodeChanged(*changed);
    for (const std::unique_ptr<Worker>& worker : workers_) {
      if (wanted == balancer::AdminState::kDown) worker->DropNode(member->id);
    }
    return metrics::SetStateResult::kOk;
  }
  return metrics::SetStateResult::kUnknownNode;
}

metrics::SetMoveResult Server::SetMove(std::string_view name, uint32_t permille) {
  const auto result = SetMoveHere(name, permille);
  if (result == metrics::SetMoveResult::kOk && replicas_ != nullptr) {
    replicas_->Say({.kind = Word::Kind::kMove, .subject = std::string(name), .permille = permille});
  }
  return result;
}

metrics::SetMoveResult Server::SetMoveHere(std::string_view name, uint32_t permille) {
  const auto base = newest_.Base();
  balancer::Moves* const moves = base->moves.get();
  const auto move = moves == nullptr ? std::nullopt : moves->Find(name);
  if (!move) return metrics::SetMoveResult::kUnknownMove;
  const std::string before = metrics::PercentText(moves->permille(*move));
  moves->SetPermille(*move, permille);
  for (const std::unique_ptr<Worker>& worker : workers_) worker->LookAtMove(std::string(name));
  log_.Info("move " + std::string(name) + ": " + metrics::PercentText(permille) +
            " percent of its users are moved; before it were " + before);
  return metrics::SetMoveResult::kOk;
}

// Others' sessions may be of the user whom it means, or have the id.
metrics::ApiResult<metrics::KickResult> Server::Kick(const metrics::KickQuery& query) {
  if (replicas_ != nullptr) {
    const bool of_user = !query.user.empty();
    replicas_->Say({.kind = of_user ? Word::Kind::kKickUser : Word::Kind::kKickSession,
                    .subject = of_user ? query.user : query.session,
                    .now = query.now});
  }
  return api_->Kick(query);
}

}  // namespace poplar::server
