#include "tests/simulation/session_story.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "proxy/pop3/reply.h"

namespace poplar::simulation {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr io::Duration kLongestTalk = hours(24);
// Sockets shut down, coroutines unwound: what an abort may take.
constexpr io::Duration kAbortTakes = seconds(5);
constexpr io::Duration kSlack = minutes(1);

// In a calm world nothing is lost and nobody misbehaves: there everybody must get what they want.
bool DrawCalm(World& world) { return world.Stream("calm").Chance(0.25); }

Faults DrawFaults(World& world) {
  SeededRandom random = world.Stream("faults");
  Faults faults = Faults::Draw(random);
  if (DrawCalm(world)) {
    faults.reset = faults.silence = faults.connect_refused = faults.connect_lost = 0;
    faults.stall = 0;
    faults.bytes_per_second = 0;
  }
  return faults;
}

size_t PieceOf(const Faults& faults) {
  return std::min({faults.segment_bytes_max, faults.read_bytes_max, faults.send_buffer_bytes,
                   faults.receive_window_bytes});
}

// Where bytes travel one by one there are few of them: a seed must not take long.
SessionMail::Shape DrawShape(World& world, const Faults& faults, bool shared_storage) {
  SeededRandom random = world.Stream("shape");
  const size_t piece = PieceOf(faults);
  size_t bytes = std::min<size_t>(100 + piece * 20, 3000);
  if (piece >= 512 && random.Chance(0.15)) bytes = 100'000;
  return {.users = random.Between(1, 3),
          .stores = shared_storage ? 1u : 3u,
          .message_bytes_max = bytes,
          .messages_max = piece < 64 ? 3u : 8u};
}

// The demo nodes refuse what comes after 20 bad commands; the clients don't get there.
constexpr pop3::AuthorizationPolicy kPolicy = {.bad_commands_max = 3,
                                               .failed_logins_max = 3,
                                               .login_allowed = true,
                                               .greeting = pop3::kGreeting};

balancer::HealthRules OneStrike() {
  balancer::HealthRules rules;
  rules.probes = false;
  rules.consecutive_failures = 1;
  rules.ejection_time = rules.ejection_time_max = milliseconds(1);
  rules.ejected_percent_max = 100;
  rules.hold_down = rules.slow_start = io::Duration(0);
  rules.panic_percent = 0;
  return rules;
}

}  // namespace

SessionStory::SessionStory(World& world, SessionMistake mistake)
    : world_(world),
      mistake_(mistake),
      random_(world.Stream("story")),
      calm_(DrawCalm(world)),
      network_(world, DrawFaults(world)),
      shared_storage_(random_.Chance(0.6)),
      exclusive_lock_(random_.Chance(0.2)),
      mail_(world.Stream("mail"), DrawShape(world, network_.faults(), shared_storage_)),
      ledger_(world, mail_),
      poplar_(network_, mistake),
      node_sessions_(ledger_, poplar_.proactor()),
      steady_machine_(network_, "steady clients", *io::Address::Parse("10.0.1.1", 0)),
      doomed_machine_(network_, "doomed clients", *io::Address::Parse("10.0.1.2", 0)),
      steady_scope_(steady_machine_.ready()),
      doomed_scope_(doomed_machine_.ready()) {
  BuildNodes();
  const std::shared_ptr<session::Settings> settings = BuildSettings();
  std::vector<size_t> homes(mail_.users().size());
  for (size_t i = 0; i < homes.size() && !shared_storage_; ++i) {
    const auto user =
        balancer::CanonicalUser::FromLogin(mail_.users()[i].name, settings->canonical);
    homes[i] = static_cast<size_t>(
        settings->nodes->Choose(settings->listeners.front().cluster, *user).front());
  }
  mail_.Deliver(homes);
  poplar_.Start(settings);
}

size_t SessionStory::Piece() const { return PieceOf(network_.faults()); }

void SessionStory::BuildNodes() {
  const size_t bad = !calm_ && random_.Chance(0.4) ? random_.Below(kNodes) : kNodes;
  const bool all = random_.Chance(0.4);
  const double fault = random_.Chance(0.5) ? 1.0 : 0.4;
  bad_nodes_ = bad < kNodes;
  for (size_t i = 0; i < kNodes; ++i) {
    const SessionNode::Plan plan{.index = i,
                                 .exclusive_lock = exclusive_lock_,
                                 .fault = i == bad || (all && bad < kNodes) ? fault : 0.0,
                                 .mistake = mistake_,
                                 .fault_bytes_max = std::min<size_t>(Piece() * 60 + 100, 4000)};
    demo::MailStore& store = mail_.store(shared_storage_ ? 0 : i);
    nodes_.push_back(std::make_unique<SessionNode>(network_, store, ledger_, node_sessions_, plan));
    nodes_.back()->Start();
  }
}

std::shared_ptr<session::Settings> SessionStory::BuildSettings() {
  auto settings = std::make_shared<session::Settings>();
  balancer::Cluster cluster{"mail", shared_storage_, {}};
  for (size_t i = 0; i < kNodes; ++i) cluster.nodes.push_back({"n" + std::to_string(i), 100});
  auto table = balancer::NodeTable::Build({cluster});
  world_.Require(table.has_value(), "the node table can't be built");
  settings->nodes = *table;
  settings->clusters = {BuildCluster(**table)};
  for (const auto& node : settings->clusters.front()->nodes)
    settings->upstream_nodes.push_back(node.get());
  settings->listeners.push_back(
      {.name = "pop3", .cluster = settings->clusters.front()->id, .authorization = kPolicy});
  return settings;
}

std::shared_ptr<upstream::Cluster> SessionStory::BuildCluster(const balancer::NodeTable& table) {
  std::vector<balancer::ClusterHealth::Member> members;
  for (const balancer::NodeId id : table.NodeIds(0)) members.push_back({id, 100, {}});
  auto cluster = std::make_shared<upstream::Cluster>(
      *table.FindCluster("mail"), "mail", balancer::ClusterRules{.shared_storage = shared_storage_},
      OneStrike(), std::move(members));
  for (size_t i = 0; i < kNodes; ++i) {
    auto endpoint = std::make_shared<upstream::Endpoint>();
    endpoint->name = "mail/n" + std::to_string(i);
    endpoint->address = nodes_[i]->address();
    endpoint->host_name = "n" + std::to_string(i);
    if (mistake_ == SessionMistake::kForgetsDeadline) endpoint->timeouts.response = hours(9000);
    cluster->nodes.push_back(std::make_unique<upstream::Node>(
        table.NodeIds(0)[i], std::move(endpoint),
        balancer::PoolLimits{.warm = 0, .max_snapshot_age = io::Duration(0)}, seconds(15)));
  }
  return cluster;
}

// --- the cast

void SessionStory::SpawnClients() {
  const size_t count = random_.Between(1, 6);
  for (size_t i = 0; i < count; ++i) {
    const bool doomed = random_.Chance(0.3);
    ClientPlan plan = DrawClient();
    plan.may_be_cut_off = network_.faults().silence > 0 || network_.faults().connect_lost > 0 ||
                          (doomed && doomed_vanishes_);
    SimProactor& machine = doomed ? doomed_machine_ : steady_machine_;
    clients_.emplace_back(machine, ledger_, poplar_.address(), plan,
                          world_.Stream("client " + std::to_string(i)));
    (doomed ? doomed_scope_ : steady_scope_).Spawn(clients_.back().Run());
  }
}

ClientPlan SessionStory::DrawClient() {
  const session::Timeouts& timeouts = poplar_.settings().timeouts;
  const upstream::UpstreamTimeouts upstream;
  ClientPlan plan;
  plan.user = random_.Below(mail_.users().size());
  // Half of them behave, so that most worlds get somewhere.
  if (random_.Chance(0.5)) plan.temper = static_cast<SessionTemper>(random_.Below(kSessionTempers));
  if (calm_ && plan.temper == SessionTemper::kStalls) plan.temper = SessionTemper::kSlow;
  somebody_stalls_ |= plan.temper == SessionTemper::kStalls;
  plan.eager = random_.Chance(0.3);
  plan.deletes = random_.Chance(0.5);
  plan.quits = random_.Chance(0.8);
  plan.talks_on = random_.Chance(0.1);
  plan.goes_opaque = random_.Chance(0.07);
  plan.depth = random_.Chance(0.4) ? 1 : random_.Between(2, 100);
  plan.commands = random_.Between(0, Piece() < 64 ? 8 : 25);
  if (Piece() >= 512 && random_.Chance(0.05)) plan.commands = 400;  // more than a session queues
  plan.cut_after = random_.Between(1, 60 + plan.commands * 8);
  plan.give_up_after = Piece() * 20 + 500;
  plan.connections_max = static_cast<int>(random_.Between(1, 3));
  plan.start_after = random_.Chance(0.5) ? io::Duration(0) : DrawMoment();
  plan.answer_patience = timeouts.login + kNodes * (upstream.connect + 4 * upstream.response) +
                         timeouts.client_write_stall + kSlack;
  plan.idle_patience = plan.answer_patience + timeouts.client_idle;
  return plan;
}

// From microseconds to half a minute, each scale as likely as the others.
io::Duration SessionStory::DrawMoment() {
  const auto scale = static_cast<int64_t>(uint64_t{1} << random_.Between(4, 25));
  return random_.Between(io::Duration(0), io::Duration(microseconds(scale)));
}

void SessionStory::PlanDisasters() {
  if (calm_) return;
  if (random_.Chance(0.1)) {
    doomed_vanishes_ = true;
    world_.After(DrawMoment(), [this] { network_.Vanish(doomed_machine_.host()); });
  }
  if (random_.Chance(0.15)) PlanNodeDisaster(DrawMoment());
  poplar_stops_ = random_.Chance(0.15);
  if (!poplar_stops_) return;
  if (random_.Chance(0.3)) {
    world_.After(DrawMoment(), [this] { poplar_.Abort(); });
    return;
  }
  const io::Duration drain = DrawMoment();
  world_.After(drain, [this] { poplar_.Drain(); });
  if (random_.Chance(0.5)) {
    world_.After(drain + DrawMoment(), [this] { poplar_.Abort(); });
  }
}

void SessionStory::PlanNodeDisaster(io::Duration when) {
  node_disaster_ = true;
  SessionNode& node = *nodes_[random_.Below(kNodes)];
  if (random_.Chance(0.5)) {
    world_.After(when, [&node] { node.proactor().Kill(); });
    return;
  }
  const io::Address host = node.proactor().host();
  world_.After(when, [this, host] { network_.Vanish(host); });
  if (random_.Chance(0.5)) {
    world_.After(when + DrawMoment(), [this, host] { network_.Return(host); });
  }
}

// --- the play

void SessionStory::Run() {
  PlanDisasters();
  SpawnClients();
  world_.MustReach("every client is done", [this] { return ClientsDone(); }, kLongestTalk);
  poplar_.StopAccepting();
  // Those whose clients fell silent end by Poplar's own deadlines, nobody else's doing.
  const session::Timeouts& timeouts = poplar_.settings().timeouts;
  const upstream::UpstreamTimeouts upstream;
  const io::Duration most = timeouts.login + timeouts.client_idle + timeouts.client_write_stall +
                            kNodes * (upstream.connect + 4 * upstream.response) + kSlack;
  if (poplar_.aborted()) {
    world_.MustReach("an aborted Poplar is idle", [this] { return poplar_.idle(); }, kAbortTakes);
  }
  world_.MustReach("Poplar is idle", [this] { return poplar_.idle(); }, most);
  for (auto& node : nodes_) node->Stop();
  world_.MustReach("the nodes are idle", [this] { return NodesIdle(); }, hours(1));
  ledger_.JudgeDeletions();
  JudgeClients();
  poplar_.MustBeClean();
  JudgeRecords();
  for (auto& node : nodes_) node->proactor().MustBeIdle();
  steady_machine_.MustBeIdle();
  doomed_machine_.MustBeIdle();
}

bool SessionStory::ClientsDone() const {
  return std::all_of(clients_.begin(), clients_.end(),
                     [](const SessionClient& client) { return client.done(); }) &&
         steady_scope_.count() == 0 && doomed_scope_.count() == 0;
}

bool SessionStory::NodesIdle() const {
  return std::all_of(nodes_.begin(), nodes_.end(), [](const auto& node) { return node->idle(); });
}

// --- the judgement

bool SessionStory::NodesMayFail() const {
  return !network_.faults().lossless() || bad_nodes_ || node_disaster_ || somebody_stalls_ ||
         mistake_ != SessionMistake::kNone;
}

bool SessionStory::fair() const {
  const Faults& faults = network_.faults();
  // Below that, deadlines pass although everybody does their best.
  const bool slow = Piece() < 64 || faults.stall > 0 || faults.bytes_per_second > 0;
  return !NodesMayFail() && !slow && !poplar_stops_ && !doomed_vanishes_;
}

void SessionStory::JudgeClients() {
  if (!fair()) return;
  for (const SessionClient& client : clients_) {
    const SessionTemper temper = client.plan().temper;
    const bool stays = temper == SessionTemper::kSteady || temper == SessionTemper::kSlow ||
                       temper == SessionTemper::kHalfCloses;
    // Who talks on behind QUIT is read to the end for a moment only, and may be reset after it.
    if (!stays || !client.plan().quits || client.plan().talks_on) continue;
    world_.Require(client.satisfied(), "a client of a fair world didn't get its mail");
  }
}

void SessionStory::JudgeRecords() {
  for (const session::Record& record : poplar_.records()) JudgeRecord(record);
}

void SessionStory::JudgeRecord(const session::Record& record) {
  const Attempt* attempt = ledger_.FindByAddress(record.client);
  if (attempt == nullptr) world_.Fail("a record of a client that isn't there");
  if (!ReasonFits(record, *attempt)) {
    ledger_.Fail(*attempt, "the reason doesn't fit: " + std::string(session::Name(record.reason)) +
                               " \"" + record.failure + "\"");
  }
  if (attempt->logged_in && record.user != mail_.users()[attempt->user].name) {
    ledger_.Fail(*attempt, "the record names another user: " + record.user);
  }
  if (attempt->logged_in && !record.logged_in) ledger_.Fail(*attempt, "the record knows no login");
  if (record.reason != session::EndReason::kQuit || !attempt->saw_end || attempt->node_lied) return;
  if (record.bytes_to_client != attempt->bytes_received) {
    ledger_.Fail(*attempt, "the record counts other bytes than the client");
  }
  if (!attempt->logged_in || attempt->sent_unknown_command) return;
  if (record.messages != attempt->messages)
    ledger_.Fail(*attempt, "the record counts other messages");
  if (attempt->quit_answered && record.deletes != attempt->must_be_deleted.size()) {
    ledger_.Fail(*attempt, "the record counts other deletes");
  }
}

bool SessionStory::ReasonFits(const session::Record& record, const Attempt& attempt) const {
  using session::EndReason;
  const session::Timeouts& timeouts = poplar_.settings().timeouts;
  const bool network_resets = network_.faults().reset > 0;
  switch (record.reason) {
    case EndReason::kQuit:
      return attempt.quit_sent;
    case EndReason::kClientEof:
      return attempt.left;
    case EndReason::kClientReset:
      return attempt.left || network_resets;
    case EndReason::kLoginTimeout:
      return !record.logged_in && record.total >= timeouts.login;
    case EndReason::kClientIdle:
      return record.logged_in && record.total >= timeouts.client_idle;
    case EndReason::kClientWriteStall:
      return record.total >= timeouts.client_write_stall;
    case EndReason::kTooManyBadCommands:
      return attempt.bad_commands_sent > 0 || attempt.wrong_password || NodesMayFail() ||
             exclusive_lock_;
    case EndReason::kTooManyFailedLogins:
      return attempt.wrong_password && !record.logged_in;
    case EndReason::kOpaqueEnded:
      return record.opaque && attempt.sent_unknown_command;
    case EndReason::kNodeUnavailable:
      return !record.logged_in && (NodesMayFail() || Piece() < 64 || network_.faults().stall > 0);
    case EndReason::kNodeEof:
    case EndReason::kNodeReset:
      return record.logged_in && NodesMayFail();
    case EndReason::kNodeProtocol:
      return record.logged_in && bad_nodes_;
    case EndReason::kNodeResponseTimeout:
      return record.logged_in && record.total >= upstream::UpstreamTimeouts().response;
    case EndReason::kNodeDown:
      return false;
    case EndReason::kDraining:
      return poplar_.drained();
    case EndReason::kShutdown:
      return poplar_.aborted();
    case EndReason::kClientProtocol:  // these are TLS's, and there is none here
    case EndReason::kNotTls:
    case EndReason::kTlsHandshakeFailed:
    case EndReason::kTlsHandshakeTimeout:
      return false;
  }
  return false;
}

}  // namespace poplar::simulation
