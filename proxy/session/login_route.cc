// Which cluster, and which of its nodes in particular: what rules, maps and directories say of a
// login's user.
#include <algorithm>
#include <utility>

#include "proxy/pop3/reply.h"
#include "proxy/session/login.h"

namespace poplar::session {
namespace {

using Kind = directory::Answer::Kind;

// The client's credential with what is different at the node. Nothing: it can't be changed, since
// the client itself has signed it.
std::optional<pop3::Credential> Rewritten(const pop3::Credential& from,
                                          const directory::Found& found) {
  if (from.proof() == pop3::Proof::kScram) return std::nullopt;
  const std::string_view login = found.login.empty() ? from.mailbox() : found.login;
  pop3::Credential credential;
  if (found.password != nullptr) {
    credential = pop3::PasswordCredential(login, pop3::Secret(found.password->Expose()));
  } else {
    credential.mechanism = from.mechanism;
    credential.identity.user = from.identity.user;
    credential.identity.authorization = from.identity.authorization;
    credential.identity.secret = pop3::Secret(from.identity.secret.Expose());
    (from.identity.authorization.empty() ? credential.identity.user
                                         : credential.identity.authorization) = login;
  }
  credential.utf8 = from.utf8;
  credential.language = from.language;
  return credential;
}

std::string FaultText(Routing::PlaceFault fault, const std::string& place) {
  if (fault == Routing::PlaceFault::kUnknown)
    return "unknown_place: no cluster or node is called " + place;
  return "ambiguous_place: several nodes are on the host " + place +
         "; host:port or cluster/node would tell which";
}

}  // namespace

directory::Question Login::QuestionOf(const Arrival& arrival) const {
  const pop3::Credential& credential = request_.credential;
  return {.user = request_.user.text(),
          .login = std::string(credential.mailbox()),
          .mechanism = std::string(record_.mechanism),
          .secret = pop3::Secret(credential.identity.secret.Expose()),
          .digest = session_.digest,
          .client = record_.client,
          .local = request_.origin->local,
          .listener = arrival.listener.name,
          .attempt = arrival.attempt,
          .session = record_.id,
          .tls_version = std::string(record_.tls_version),
          .tls_cipher = std::string(record_.tls_cipher),
          .server_name = std::string(arrival.server_name),
          .certificate =
              arrival.certificate == nullptr ? std::nullopt : std::optional(*arrival.certificate)};
}

io::Task<Login::Step> Login::Locate() {
  const auto& rules = settings_.routing.rules;
  if (request_.arrival == nullptr || rules == nullptr) co_return Settle({});
  const Arrival& arrival = *request_.arrival;
  const balancer::RouteQuery query{request_.user.text(), arrival.server_name,
                                   arrival.listener.index};
  for (size_t i = rules->Match(query); i < rules->size(); i = rules->Match(query, i + 1)) {
    record_.route = rules->name(i);
    const RouteTarget& target = settings_.routing.targets[i];
    switch (target.kind) {
      case RouteTarget::Kind::kCluster:
        said_ = {target.cluster};
        co_return Settle({});
      case RouteTarget::Kind::kUserMap:
        if (const auto found = environment_.lookups->InMap(target.index, query.user))
          co_return Settle(*found);
        break;
      case RouteTarget::Kind::kDirectory:
        if (const auto step = co_await AskDirectory(target.index, arrival)) co_return *step;
        break;
    }
  }
  record_.route = {};
  co_return Settle({});
}

// Nothing: the user is unknown there, and the next rule counts.
io::Task<std::optional<Login::Step>> Login::AskDirectory(size_t index, const Arrival& arrival) {
  for (;;) {
    const io::Time begun = Now();
    const auto answer = co_await environment_.lookups->Ask(index, QuestionOf(arrival));
    const io::Duration took = Now() - begun;
    environment_.meter.DirectoryAnswered(index, answer.kind, took);
    record_.lookup = io::Brief(record_.lookup + took);
    if (late_ || aborted_) co_return TooLate();
    switch (answer.kind) {
      case Kind::kFound:
        co_return Settle(answer.found);
      case Kind::kUnknown:
        co_return std::nullopt;
      case Kind::kRefused:
        co_return co_await RefusedByDirectory(answer);
      case Kind::kUnavailable:
        co_return Unavailable(LoginResult::kDirectoryUnavailable, answer.text);
      case Kind::kNotYet:
        record_.failure = "directory_wait: the directory wants to be asked again later";
        const Step waited = co_await WaitUntil(std::min(Now() + answer.wait, request_.deadline));
        if (waited == Step::kEnd) co_return waited;
        if (late_ || aborted_ || Now() >= request_.deadline) co_return TooLate();
    }
  }
}

// The user's cluster and order of nodes are known from here on.
Login::Step Login::Settle(const directory::Found& found) {
  if (!found.place.empty()) {
    const auto place = settings_.routing.FindPlace(found.place);
    if (!place) {
      return Unavailable(LoginResult::kDirectoryUnavailable, FaultText(place.error(), found.place));
    }
    said_ = *place;
  }
  const balancer::Moves* const moves = settings_.moves.get();
  const bool asks = moves != nullptr && !request_.resumes;
  if (asks) turn_ = moves->TurnOf(said_.cluster, request_.user);
  const Step step = GoTo(asks && turn_ ? moves->ClusterOf(*turn_) : said_.cluster);
  if (step == Step::kEnd) return step;
  if (found.login.empty() && found.password == nullptr) return Step::kGoOn;
  rewritten_ = Rewritten(request_.credential, found);
  if (!rewritten_ || !pop3::IsSafe(*rewritten_))
    return Refused("another_name: the user's name at the node can't be told to it this way");
  return Step::kGoOn;
}

Login::Step Login::GoTo(balancer::ClusterId cluster) {
  const bool is_moved = turn_ && cluster == settings_.moves->rule(turn_->move).to;
  where_ = cluster == said_.cluster ? said_ : Whereabouts{cluster};
  record_.move = is_moved ? std::string_view(settings_.moves->rule(turn_->move).name) : "";
  cluster_ = &settings_.ClusterOf(cluster);
  order_ = settings_.nodes->Choose(cluster, request_.user);
  tried_.clear();
  if (order_.empty())
    return Unavailable(LoginResult::kBackendUnavailable, "no_nodes: none is known yet");
  if (where_.node && !PutFirst(*where_.node))
    return Unavailable(LoginResult::kBackendUnavailable, "unknown_place: the node has gone");
  const ClusterPolicy* const policy = settings_.PolicyOf(cluster);
  if (request_.arrival != nullptr && policy != nullptr && !policy->access.Admits(record_.client))
    return Refused("not_admitted: the cluster takes no clients from this address");
  return Step::kGoOn;
}

// The user's own node. The others are for while it is out, if they have the user's mail at all.
bool Login::PutFirst(balancer::NodeId node) {
  if (settings_.nodes->FindNode(node) == nullptr) return false;
  const auto last = std::remove(order_.begin(), order_.end(), node);
  order_.erase(cluster().rules.shared_storage ? last : order_.begin(), order_.end());
  order_.insert(order_.begin(), node);
  return true;
}

Login::Step Login::Refused(std::string_view why) {
  record_.failure = why;
  answer_ = pop3::kReplyLoginRefused;
  result_ = LoginResult::kRejected;
  outcome_ = Outcome::kRefused;
  return Step::kEnd;
}

// It has looked at the password, as a node would have.
io::Task<Login::Step> Login::RefusedByDirectory(const directory::Answer& answer) {
  CountForPenalty(false);
  const Step waited = co_await WaitUntil(std::min(Now() + answer.wait, request_.deadline));
  if (waited == Step::kEnd) co_return waited;
  const Step step = Refused("refused by the directory");
  if (!answer.text.empty()) answer_ = "-ERR " + answer.text + "\r\n";
  co_return step;
}

// The client is watched meanwhile.
io::Task<Login::Step> Login::WaitUntil(io::Time until) {
  while (Now() < until) {
    const Step step = OnWake(co_await patience_.Until(until));
    if (step == Step::kEnd) co_return step;
  }
  co_return Step::kGoOn;
}

}  // namespace poplar::session
