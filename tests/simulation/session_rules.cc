#include "tests/simulation/session_rules.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "proxy/pop3/reply.h"

namespace poplar::simulation {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Sockets shut down, coroutines unwound, the last words of connections that are given up.
constexpr io::Duration kSlack = seconds(10);

io::Duration DrawStaleness(World& world, bool shared_storage) {
  SeededRandom random = world.Stream("stale");
  if (!shared_storage || !random.Chance(0.3) || !world.Allows("old caches")) return {};
  return random.Between(milliseconds(100), seconds(30));
}

balancer::PoolLimits DrawPool(SeededRandom& random) {
  balancer::PoolLimits pool;
  pool.size = random.Chance(0.4) ? 0 : static_cast<uint32_t>(random.Between(1, 4));
  pool.warm = random.Chance(0.4) ? 0 : static_cast<uint32_t>(random.Between(1, 3));
  pool.parked = static_cast<uint32_t>(random.Between(0, 5));
  pool.max_snapshot_age =
      random.Chance(0.25) ? io::Duration(0) : random.Between(seconds(1), seconds(60));
  pool.warm_max_age = random.Between(seconds(2), seconds(50));
  return pool;
}

balancer::HealthRules DrawHealth(SeededRandom& random) {
  balancer::HealthRules health;
  health.rise = static_cast<uint32_t>(random.Between(1, 3));
  health.fall = static_cast<uint32_t>(random.Between(1, 3));
  health.level = static_cast<balancer::ProbeLevel>(random.Below(4));
  health.probes = random.Chance(0.6);
  health.consecutive_failures = static_cast<uint32_t>(random.Between(0, 4));
  health.failure_percent = random.Chance(0.5) ? 0 : 50;
  health.failure_events_min = static_cast<uint32_t>(random.Between(2, 6));
  health.failure_window = random.Between(seconds(2), seconds(20));
  health.ejection_time = random.Between(milliseconds(100), seconds(5));
  health.ejection_time_max = health.ejection_time * static_cast<int64_t>(random.Between(1, 4));
  health.ejected_percent_max = random.Chance(0.3) ? 100 : 34;
  health.hold_down =
      random.Chance(0.25) ? io::Duration(0) : random.Between(seconds(1), seconds(20));
  health.slow_start =
      random.Chance(0.3) ? io::Duration(0) : random.Between(milliseconds(500), seconds(20));
  health.panic_percent = random.Chance(0.3) ? 0 : random.Chance(0.5) ? 30 : 50;
  return health;
}

// The demo nodes refuse what comes after 20 bad commands; the clients don't get there.
constexpr session::LoginPolicy kLogins = {
    .bad_commands_max = 3, .failed_logins_max = 3, .require_tls = false};

// Rules under which no session need end when nodes die one after the other: users may move soon,
// nodes count as well again soon, nobody stands in the way of a login. What is parked is there long
// enough to be met.
void MakeDeathsBearable(SessionRules& rules) {
  rules.shared_storage = true;
  rules.exclusive_lock = false;
  rules.pool.size = 0;
  if (rules.parks()) rules.pool.max_snapshot_age += seconds(10);
  rules.login.user_sessions_max = 0;
  rules.resume.enabled = true;
  rules.resume.deadline = std::max<io::Duration>(rules.resume.deadline, seconds(10));
  rules.timeouts.login = seconds(60);
  rules.upstream = {.keepalive = rules.upstream.keepalive};
  balancer::HealthRules& health = rules.health;
  health.rise = 1;
  health.hold_down = std::min<io::Duration>(health.hold_down, seconds(2));
  health.ejection_time = std::min<io::Duration>(health.ejection_time, seconds(1));
  health.ejection_time_max = health.ejection_time;
  rules.probe_interval = std::min<io::Duration>(rules.probe_interval, seconds(4));
  rules.probe_timeout = seconds(3);
}

// Of a vacant seat: no address.
std::shared_ptr<const upstream::Endpoint> EndpointOf(const SessionRules& rules,
                                                     const std::string& cluster,
                                                     const std::string& node,
                                                     const io::Address& address,
                                                     SessionMistake mistake) {
  auto endpoint = std::make_shared<upstream::Endpoint>();
  endpoint->name = cluster + "/" + node;
  endpoint->address = address;
  endpoint->host_name = node;
  endpoint->timeouts = rules.upstream;
  if (mistake == SessionMistake::kForgetsDeadline) endpoint->timeouts.response = hours(9000);
  return endpoint;
}

// The mistakes that a wrong figure makes.
SessionRules Mistaken(SessionRules rules, SessionMistake mistake) {
  switch (mistake) {
    case SessionMistake::kExceedsSlots:
      if (rules.pool.size > 0) ++rules.pool.size;
      break;
    case SessionMistake::kIgnoresAge:
      if (rules.parks()) rules.pool.max_snapshot_age = minutes(5);
      break;
    case SessionMistake::kForgetsHoldDown:
      rules.health.hold_down = io::Duration(0);
      break;
    case SessionMistake::kForgetsFall:
      rules.health.fall = 1;
      break;
    case SessionMistake::kForgetsRise:
      rules.health.rise = 1;
      break;
    case SessionMistake::kForgetsUserLimit:
      rules.login.user_sessions_max = 0;
      break;
    case SessionMistake::kForgetsLoginDeadline:
      rules.timeouts.login = hours(2);
      rules.upstream = {hours(1), hours(1)};
      break;
    default:
      break;
  }
  return rules;
}

std::shared_ptr<upstream::Cluster> BuildCluster(const SessionRules& rules,
                                                const balancer::NodeTable& table, size_t index,
                                                const Places& places,
                                                const std::vector<io::Address>& nodes,
                                                SessionMistake mistake) {
  using Seat = balancer::Seating::State;
  const Places::Cluster& place = places.clusters[index];
  const bool has_seats = place.seats > 0;
  const std::vector<balancer::NodeId>& ids = table.SeatIds(index);
  std::vector<balancer::ClusterHealth::Member> members;
  members.reserve(ids.size());
  for (const balancer::NodeId id : ids)
    members.push_back({.node = id, .seat = has_seats ? Seat::kVacant : Seat::kPresent});
  auto cluster = std::make_shared<upstream::Cluster>(
      *table.FindCluster(place.name), place.name,
      balancer::ClusterRules{.shared_storage = rules.shared_storage, .affinity = rules.affinity},
      rules.health, members);
  upstream::ClusterTerms& terms = cluster->first_terms();
  terms.probe = {.level = rules.health.level,
                 .enabled = rules.health.probes,
                 .interval = rules.probe_interval,
                 .fast_interval = rules.probe_interval / 4,
                 .timeout = rules.probe_timeout,
                 .credential = pop3::PasswordCredential(kProbeUser, pop3::Secret(kProbePassword))};
  terms.login = rules.login;
  terms.resume = rules.resume;
  for (size_t i = 0; i < ids.size(); ++i) {
    const std::string name = has_seats ? "-" : places.names[place.nodes[i]];
    const io::Address address = has_seats ? io::Address() : nodes[place.nodes[i]];
    cluster->nodes.push_back(std::make_unique<upstream::Node>(
        ids[i], EndpointOf(rules, place.name, name, address, mistake), rules.pool,
        rules.pool_wait));
  }
  return cluster;
}

}  // namespace

io::Duration SessionRules::Paused() const {
  io::Duration sum{};
  for (const Pause& pause : pauses) sum += pause.duration;
  return sum;
}

io::Duration SessionRules::LongestLogin() const { return timeouts.login + Paused() + kSlack; }

io::Duration SessionRules::LongestSession() const {
  return (resumes() ? resume.deadline : io::Duration(0)) + LongestLogin() + timeouts.client_idle +
         upstream.response + 2 * timeouts.client_write_stall + minutes(1);
}

bool SessionsAreResumed() { return true; }

SessionRules DrawRules(World& world, const Faults& faults, Climate climate) {
  SeededRandom random = world.Stream("rules");
  SessionRules rules;
  rules.shared_storage = random.Chance(0.7);
  rules.exclusive_lock = random.Chance(0.2);
  rules.affinity = !rules.shared_storage || random.Chance(0.85);
  rules.pool = DrawPool(random);
  rules.pool_wait = random.Between(milliseconds(500), seconds(15));
  rules.health = DrawHealth(random);
  rules.login.user_sessions_max =
      random.Chance(0.7) ? 0 : static_cast<uint32_t>(random.Between(1, 2));
  rules.login.in_use_retries = static_cast<int>(random.Between(0, 3));
  rules.login.in_use_backoff = random.Between(milliseconds(100), seconds(1));
  // Where bytes travel one by one a probe is a thousand events.
  const bool dear = std::min(faults.segment_bytes_max, faults.read_bytes_max) < 64;
  rules.probe_interval = random.Between(milliseconds(dear ? 10'000 : 1000), seconds(15));
  rules.probe_timeout = random.Between(milliseconds(500), seconds(3));
  if (random.Chance(0.3)) rules.timeouts.login = random.Between(seconds(3), seconds(60));
  rules.timeouts.client_idle = minutes(2);
  if (random.Chance(0.3)) {
    rules.upstream.connect = random.Between(milliseconds(500), seconds(15));
    rules.upstream.response = random.Between(seconds(3), seconds(15));
  }
  if (random.Chance(0.5)) rules.upstream.keepalive = random.Between(milliseconds(200), seconds(20));
  rules.resume.enabled = SessionsAreResumed() && random.Chance(0.75);
  if (random.Chance(0.5)) rules.resume.deadline = random.Between(seconds(2), seconds(30));
  if (climate == Climate::kMortal) MakeDeathsBearable(rules);
  if (climate == Climate::kWild) rules.pauses = DrawPauses(world);
  if (climate != Climate::kCalm) rules.stale = DrawStaleness(world, rules.shared_storage);
  rules.one_store = rules.shared_storage;
  return rules;
}

void FitTo(World& world, const Places& places, SessionRules& rules) {
  SeededRandom random = world.Stream("rules of places");
  if (places.discovers()) rules.shared_storage = rules.one_store = true;
  if (!places.moves()) return;
  rules.affinity = rules.one_store = true;
  const io::Duration most = random.Chance(0.5) ? seconds(1) : seconds(20);
  rules.timeouts.move_wait = random.Between(milliseconds(10), most);
  rules.timeouts.move_grace = random.Between(milliseconds(50), seconds(20));
}

std::shared_ptr<session::Settings> BuildSettings(const SessionRules& drawn, const Places& places,
                                                 const std::vector<io::Address>& nodes,
                                                 SessionMistake mistake) {
  const SessionRules rules = Mistaken(drawn, mistake);
  auto settings = std::make_shared<session::Settings>();
  settings->timeouts = rules.timeouts;
  std::vector<balancer::Cluster> clusters;
  for (const Places::Cluster& place : places.clusters) {
    balancer::Cluster& cluster =
        clusters.emplace_back(place.name, rules.shared_storage, std::vector<balancer::Node>());
    cluster.seats = place.seats;
    if (place.seats > 0) continue;
    for (const size_t node : place.nodes) cluster.nodes.push_back({places.names[node], 100});
  }
  auto table = balancer::NodeTable::Build(clusters);
  assert(table.has_value());
  settings->nodes = *table;
  for (size_t i = 0; i < places.clusters.size(); ++i) {
    settings->clusters.push_back(BuildCluster(rules, **table, i, places, nodes, mistake));
    for (const auto& node : settings->clusters.back()->nodes)
      settings->upstream_nodes.push_back(node.get());
  }
  settings->listeners.push_back(
      {.name = "pop3", .cluster = settings->clusters.front()->id, .login = kLogins});
  return settings;
}

}  // namespace poplar::simulation
