#include "proxy/upstream/prober.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <string>
#include <utility>

#include "proxy/pop3/reply.h"
#include "proxy/upstream/jitter.h"

namespace poplar::upstream {
namespace {

using balancer::ProbeLevel;
using pop3::ResponseCode;

// Until every node has been looked at once, behind a start or a reload.
constexpr io::Duration kFirstProbeMax = std::chrono::seconds(1);

std::string_view FirstLine(std::string_view reply) {
  reply = reply.substr(0, reply.find('\n'));
  if (reply.ends_with('\r')) reply.remove_suffix(1);
  return reply;
}

ResponseCode CodeOf(std::string_view line) {
  const std::optional<pop3::Reply> reply = pop3::ParseReply(line);
  return reply ? reply->code : ResponseCode::kNone;
}

NodeError Refused(std::string_view what, std::string_view line) {
  return {NodeFailure::kCommandRefused, std::string(what) + ": " + std::string(line)};
}

// The node still listens, so it is owed a QUIT.
bool StillTalks(const NodeError& error) {
  return error.failure == NodeFailure::kNone || error.failure == NodeFailure::kCommandRefused;
}

// Nothing about the node was learned: the trouble, or the decision, is our own.
bool SaysNothing(NodeFailure failure) {
  return failure == NodeFailure::kCancelled || failure == NodeFailure::kNoDescriptor;
}

}  // namespace

Prober::Prober(io::Proactor& proactor, Cluster& cluster, Node& node, Observer& observer)
    : proactor_(proactor), cluster_(cluster), node_(node), observer_(observer), alarm_(proactor) {}

void Prober::Stop() {
  stopped_ = true;
  alarm_.Ring();
  if (probing_ != nullptr) probing_->Abort();
}

void Prober::LookAtTerms() { alarm_.Ring(); }

io::Task<void> Prober::Run() {
  // Any moment within the first: nodes are not asked in step, nor by several Poplars. What a node
  // can do is known soon, though.
  const io::Duration first = std::min(cluster_.terms()->probe.interval, kFirstProbeMax);
  io::Time next = proactor_.Now() + Between(proactor_.random(), io::Duration(0), first);
  while (!stopped_) {
    const auto terms = cluster_.terms();
    const ProbeOptions& options = terms->probe;
    assert(options.interval > io::Duration(0) && options.fast_interval > io::Duration(0));
    // An operator may have said less than before.
    next = std::min(next, proactor_.Now() + options.interval + options.interval / 5);
    if (!options.enabled || proactor_.Now() < next) {
      co_await alarm_.Until(options.enabled ? next : proactor_.Now() + kIdle);
      continue;
    }
    const io::Time begun = proactor_.Now();
    Tell(cluster_.health.OnTime(node_.id, begun.time_since_epoch()));
    bool settled = true;
    if (MayProbe()) settled = co_await Round(options);
    next = begun + Jittered(proactor_.random(), settled ? options.interval : options.fast_interval);
  }
}

io::Task<bool> Prober::Round(const ProbeOptions& options) {
  Connection connection(proactor_, node_.endpoint());
  probing_ = &connection;
  const io::Time begun = proactor_.Now();
  const NodeError error = co_await Probe(connection, options);
  // Before the QUIT: a node that is slow to say goodbye doesn't hold up what is known of it.
  const bool counts = IsOfTheNode(connection);
  if (!stopped_ && counts) Report(error, proactor_.Now() - begun);
  if (StillTalks(error) && options.level != ProbeLevel::kConnect) co_await connection.Retire();
  probing_ = nullptr;
  if (!counts) co_return false;
  co_return SaysNothing(error.failure) || (error.failure == NodeFailure::kNone) == NodeIsUp();
}

io::Task<NodeError> Prober::Probe(Connection& connection, const ProbeOptions& options) {
  const auto expire = [](void* context) { static_cast<Connection*>(context)->Expire(); };
  io::Timer timeout(proactor_.timers(), expire, &connection);
  timeout.Arm(proactor_.Now() + options.timeout);

  const ProbeLevel level = options.level;
  if (level == ProbeLevel::kConnect) co_return co_await connection.OpenTransport();
  NodeError error = co_await connection.Open();
  if (error.failure == NodeFailure::kNone && level >= ProbeLevel::kCapa)
    error = co_await LearnCapabilities(connection);
  if (error.failure == NodeFailure::kNone && level == ProbeLevel::kLogin)
    error = co_await LogInAndStat(connection, options);
  co_return error;
}

// An -ERR is no fault: CAPA is optional. But one that speaks of the system (RFC 3206) isn't about
// CAPA.
io::Task<NodeError> Prober::LearnCapabilities(Connection& connection) {
  const tl::expected<std::string, NodeError> reply = co_await connection.AskCapabilities();
  if (!reply) co_return reply.error();
  if (!IsOfTheNode(connection)) co_return NodeError{};
  const std::string_view status = FirstLine(*reply);
  if (status.starts_with('+')) {
    cluster_.offered.Learn(node_.id, pop3::Capabilities(*reply));
    co_return NodeError{};
  }
  const ResponseCode code = CodeOf(status);
  if (code == ResponseCode::kSysTemp || code == ResponseCode::kSysPerm)
    co_return Refused("CAPA", status);
  cluster_.offered.Learn(node_.id, pop3::WithoutCapa());
  co_return NodeError{};
}

// [IN-USE] and [LOGIN-DELAY] are answers of a node that works and knows the account (RFC 2449
// section 8.1): another Poplar's probe may just be in its maildrop.
io::Task<NodeError> Prober::LogInAndStat(Connection& connection, const ProbeOptions& options) {
  // As sessions are told: by what the node has just said that it offers.
  const auto offered = cluster_.offered.Of(node_.id);
  const LoginTerms terms{.offered = offered.get()};
  const tl::expected<LoginAnswer, NodeError> login =
      co_await connection.LogIn(options.credential, terms);
  if (!login) co_return login.error();
  const std::string_view line = FirstLine(login->line);
  if (!login->accepted()) {
    switch (CodeOf(line)) {
      case ResponseCode::kInUse:
      case ResponseCode::kLoginDelay:
        co_return NodeError{};
      case ResponseCode::kSysTemp:
      case ResponseCode::kSysPerm:
        co_return Refused("login", line);
      default:
        co_return Refused("login of the probe account (look at its user and password)", line);
    }
  }
  const tl::expected<std::string, NodeError> stat = co_await connection.Ask("STAT");
  if (!stat) co_return stat.error();
  if (!stat->starts_with('+')) co_return Refused("STAT", *stat);
  co_return NodeError{};
}

void Prober::Report(const NodeError& error, io::Duration took) {
  observer_.ProbeEnded(node_.id, error.failure, took);
  if (SaysNothing(error.failure)) return;
  node_.probe_took = took.count();
  std::string detail;
  if (error.failure != NodeFailure::kNone) detail = Name(error.failure);
  if (!error.detail.empty()) detail += " (" + error.detail + ")";
  Tell(cluster_.health.OnProbe(node_.id, error.failure == NodeFailure::kNone, detail,
                               proactor_.Now().time_since_epoch()));
}

void Prober::Tell(const std::optional<balancer::Transition>& transition) {
  if (transition) observer_.NodeChanged(*transition);
}

// The node may have moved meanwhile, or another may have taken its seat.
bool Prober::IsOfTheNode(const Connection& connection) const {
  return connection.LeadsTo(node_.endpoint());
}

bool Prober::MayProbe() const {
  return cluster_.health.admin(node_.id) != balancer::AdminState::kDown &&
         cluster_.health.seat(node_.id) != balancer::Seating::State::kVacant;
}

bool Prober::NodeIsUp() const {
  const auto nodes = cluster_.health.Status(proactor_.Now().time_since_epoch());
  const auto found = std::find_if(nodes.begin(), nodes.end(),
                                  [this](const auto& node) { return node.node == node_.id; });
  return found == nodes.end() || found->state == balancer::NodeState::kUp;
}

}  // namespace poplar::upstream
