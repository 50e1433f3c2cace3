#include "proxy/server/admin_api.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "metrics/instruments.h"
#include "proxy/server/kick.h"
#include "proxy/server/node_views.h"
#include "proxy/server/route_now.h"
#include "proxy/server/worker_answers.h"

namespace poplar::server {
namespace {

constexpr double kSecondsPerMicro = 1e-6;

tl::unexpected<metrics::ApiFault> Fault(int status, std::string why) {
  return tl::unexpected(metrics::ApiFault{status, std::move(why)});
}

// Of workers who have said nothing within kWorkerPatience.
std::string SilenceText(size_t silent, size_t all) {
  return std::to_string(silent) + " of " + std::to_string(all) +
         " workers gave no answer within a second: stuck, or with too much to do. Try again; "
         "GET /livez tells whether one hangs";
}

size_t Working(const std::vector<std::unique_ptr<Worker>>& workers) {
  size_t count = 0;
  for (const std::unique_ptr<Worker>& worker : workers) count += worker->ended() ? 0 : 1;
  return count;
}

}  // namespace

AdminApi::AdminApi(const Parts& parts)
    : config_(std::make_shared<const config::Config>(parts.config)),
      newest_(parts.newest),
      shared_(parts.shared),
      workers_(parts.workers),
      exporter_(parts.exporter),
      traces_(parts.traces),
      addresses_(parts.addresses),
      log_(parts.log),
      clock_(parts.clock),
      started_(parts.clock.UnixMicros()) {
  for (const auto& [name, value] : parts.build_info) {
    if (name == "version") version_ = value;
  }
}

void AdminApi::Use(const config::Config& config) {
  auto newest = std::make_shared<const config::Config>(config);
  const std::lock_guard lock(mutex_);
  config_.swap(newest);
}

std::shared_ptr<const config::Config> AdminApi::config() const {
  const std::lock_guard lock(mutex_);
  return config_;
}

metrics::StatusView AdminApi::Status() const {
  using metrics::CountsBy;
  using metrics::SumOf;
  using metrics::SumOfHistogram;
  metrics::StatusView status{.version = version_,
                             .started = static_cast<double>(started_) * kSecondsPerMicro,
                             .now = static_cast<double>(clock_.UnixMicros()) * kSecondsPerMicro,
                             .workers = workers_.size()};
  status.sessions = static_cast<uint64_t>(shared_.admission.connections.sessions());
  const auto active = CountsBy(exporter_, metrics::kSessionsActive.instrument, "listener");
  for (size_t i = 0; i < active.size() && i < addresses_.size(); ++i)
    status.listeners.push_back({active[i].first, addresses_[i].Text(), active[i].second});
  const auto files = config();
  const auto base = newest_.Base();
  const auto& certificates = files->tls.certificates;
  const size_t known = base->tls == nullptr ? 0 : base->tls->certificates().size();
  for (size_t i = 0; i < std::min(known, certificates.size()); ++i)
    status.certificates.push_back(
        {certificates[i].certificate, base->tls->certificates()[i].not_after});
  status.logins = CountsBy(exporter_, metrics::kLogins.instrument, "result");
  status.ends = CountsBy(exporter_, metrics::kSessionsEnded.instrument, "reason");
  status.handshake_failures = CountsBy(exporter_, metrics::kTlsFailures.instrument, "reason");
  status.rejected = CountsBy(exporter_, metrics::kConnectionsRejected.instrument, "reason");
  status.login = SumOfHistogram(exporter_, metrics::kLoginDuration.instrument, {{"result", "ok"}});
  status.first_byte = SumOfHistogram(exporter_, metrics::kCommandFirstByte.instrument);
  status.download = SumOfHistogram(exporter_, metrics::kMessageDownload.instrument);
  status.handshake = SumOfHistogram(exporter_, metrics::kTlsHandshakeDuration.instrument);
  // Each download is one; poplar_messages_retrieved_total hears of it when its session ends.
  status.messages = status.download.count;
  const auto bytes = metrics::kBytes.instrument;
  status.bytes_to_clients =
      SumOf(exporter_, bytes, {{"side", "downstream"}, {"direction", "sent"}});
  status.bytes_from_clients =
      SumOf(exporter_, bytes, {{"side", "downstream"}, {"direction", "received"}});
  status.waits = SumOfHistogram(exporter_, metrics::kPoolWait.instrument).count;
  return status;
}

std::vector<metrics::ClusterView> AdminApi::Nodes() const {
  auto clusters = ViewNodes(*newest_.Base(), clock_.Now());
  const std::vector<uint64_t> takes = exporter_.Cells(metrics::kPoolTakes.instrument);
  for (metrics::ClusterView& cluster : clusters) {
    for (metrics::NodeView& node : cluster.nodes) {
      const size_t first = static_cast<size_t>(node.label) * node.takes.size();
      for (size_t i = 0; i < node.takes.size(); ++i) node.takes[i] = takes[first + i];
    }
  }
  return clusters;
}

metrics::ApiResult<std::string> AdminApi::Canonical(const std::string& login) const {
  const auto user = balancer::CanonicalUser::FromLogin(login, newest_.Base()->canonical);
  if (user) return user->text();
  return Fault(400, "user: that cannot be one: " + std::string(balancer::Text(user.error())));
}

metrics::ApiResult<metrics::SessionsView> AdminApi::Sessions(
    const metrics::SessionQuery& query) const {
  SessionFilter filter{.node = query.node};
  if (!query.user.empty()) {
    auto user = Canonical(query.user);
    if (!user) return tl::unexpected(user.error());
    filter.user = std::move(*user);
  }
  if (!query.client.empty()) {
    filter.client = io::Address::Parse(query.client, 0);
    if (!filter.client) return Fault(400, "client: an IP address is expected, without a port");
  }
  const size_t working = Working(workers_);
  const auto answers = std::make_shared<WorkerAnswers<SessionSample>>(working);
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->LookAtSessions(
        [answers, filter, limit = query.limit](const SessionSet& sessions, io::Time now) {
          answers->Give(SampleSessions(sessions, filter, limit, now));
        });
  }
  auto given = answers->Wait(kWorkerPatience);
  if (given.silent > 0) return Fault(503, SilenceText(given.silent, working));
  return ViewSessions(std::move(given.answers), query.limit);
}

metrics::ApiResult<metrics::KickResult> AdminApi::Kick(const metrics::KickQuery& query) const {
  Kicked kicked{.now = query.now};
  if (!query.user.empty()) {
    auto user = Canonical(query.user);
    if (!user) return tl::unexpected(user.error());
    kicked.user = std::move(*user);
  } else {
    const auto session = ParseSession(query.session);
    if (!session) {
      return Fault(400,
                   "session: an id is 16 hexadecimal digits, as the log and GET "
                   "/api/v1/sessions have it");
    }
    kicked.session = *session;
  }
  const size_t working = Working(workers_);
  const auto answers = std::make_shared<WorkerAnswers<uint64_t>>(working);
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->LookAtSessions([answers, kicked](const SessionSet& sessions, io::Time) {
      answers->Give(KickAll(sessions, kicked));
    });
  }
  const auto given = answers->Wait(kWorkerPatience);
  metrics::KickResult result;
  for (const uint64_t count : given.answers) result.kicked += count;
  const std::string who = kicked.user.empty() ? "session " + query.session : "user " + kicked.user;
  const std::string what = std::to_string(result.kicked) + " sessions end" +
                           (query.now ? " now" : " at their next command boundary");
  log_.Info("kick of " + who + ": " + what);
  if (given.silent > 0) {
    return Fault(503, what + ", but " + SilenceText(given.silent, working) +
                          ". Those they have will end once they come round");
  }
  if (kicked.user.empty()) {
    if (result.kicked == 0)
      return Fault(404, "no such session: it has ended, or never was; GET /api/v1/sessions");
    return result;
  }
  // Behind the sessions: none of these is parked any more.
  const auto parked = std::make_shared<WorkerAnswers<size_t>>(1);
  for (const std::unique_ptr<Worker>& worker : workers_) {
    if (worker->ended()) continue;
    worker->EndParked(kicked.user, [parked](size_t count) { parked->Give(count); });
    for (const size_t count : parked->Wait(kWorkerPatience).answers) result.parked += count;
    break;
  }
  return result;
}

metrics::ApiResult<metrics::RouteView> AdminApi::Route(const metrics::RouteQuery& query) const {
  const auto config = this->config();
  const auto base = newest_.Base();
  const auto newest = newest_.Get();
  return RouteNow({.config = *config,
                   .settings = *base,
                   .newest = *newest,
                   .shared = shared_,
                   .workers = workers_,
                   .nodes = Nodes()},
                  query);
}

// CLUSTER/NODE, of one of the two.
metrics::ApiResult<std::string> AdminApi::FullNodeName(const std::string& node) const {
  std::vector<std::string> found;
  for (const metrics::ClusterView& cluster : Nodes()) {
    for (const metrics::NodeView& each : cluster.nodes) {
      std::string name = cluster.name + "/" + each.name;
      if (node == name || node == each.name) found.push_back(std::move(name));
    }
  }
  if (found.empty()) return Fault(404, "no such node; GET /api/v1/nodes lists them all");
  if (found.size() == 1) return found.front();
  std::string names;
  for (const std::string& each : found) names.append(names.empty() ? "" : ", ").append(each);
  return Fault(400, "several clusters have a node of that name: say one of " + names);
}

metrics::ApiResult<metrics::TraceView> AdminApi::Trace(const metrics::TraceQuery& query) const {
  if (!query.user.empty()) {
    auto user = Canonical(query.user);
    if (!user) return tl::unexpected(user.error());
    return traces_.Start({.kind = trace::Rule::Kind::kUser, .name = *user}, *user, query.duration);
  }
  if (!query.node.empty()) {
    auto node = FullNodeName(query.node);
    if (!node) return tl::unexpected(node.error());
    return traces_.Start({.kind = trace::Rule::Kind::kNode, .name = *node}, *node, query.duration);
  }
  const auto client = io::Network::Parse(query.client);
  if (!client) {
    return Fault(400,
                 "client: an IP address or a network is expected, such as 192.0.2.1 or "
                 "192.0.2.0/24");
  }
  return traces_.Start({.kind = trace::Rule::Kind::kClient, .client = *client}, query.client,
                       query.duration);
}

}  // namespace poplar::server
