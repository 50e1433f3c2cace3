#include "tests/simulation/session_story.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace poplar::simulation {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr io::Duration kLongestTalk = hours(24);
// Sockets shut down, coroutines unwound, goodbyes said to nodes: what an abort may take.
constexpr io::Duration kAbortTakes = seconds(10);
constexpr io::Duration kSlack = minutes(1);

// In a calm world nothing is lost and nobody misbehaves: there everybody must get what they want.
// In a mortal one everybody must get it although nodes die.
Climate DrawClimate(World& world) {
  SeededRandom random = world.Stream("calm");
  if (random.Chance(0.25)) return Climate::kCalm;
  return SessionsAreResumed() && random.Chance(0.45) ? Climate::kMortal : Climate::kWild;
}

Faults DrawFaults(World& world) {
  SeededRandom random = world.Stream("faults");
  Faults faults = Faults::Draw(random);
  if (DrawClimate(world) != Climate::kWild) {
    faults.reset = faults.silence = faults.connect_refused = faults.connect_lost = 0;
    faults.stall = 0;
    faults.bytes_per_second = 0;
  }
  faults.LeaveOut(world);
  return faults;
}

size_t PieceOf(const Faults& faults) {
  return std::min({faults.segment_bytes_max, faults.read_bytes_max, faults.send_buffer_bytes,
                   faults.receive_window_bytes});
}

// Where bytes travel one by one there are few of them: a seed must not take long.
SessionMail::Shape DrawShape(World& world, const Faults& faults, const Places& places,
                             bool one_store) {
  SeededRandom random = world.Stream("shape");
  const size_t piece = PieceOf(faults);
  size_t bytes = std::min<size_t>(100 + piece * 20, 3000);
  if (piece >= 512 && random.Chance(0.15)) bytes = 100'000;
  return {.users = random.Between(1, 3),
          .stores = one_store ? 1u : places.names.size(),
          .message_bytes_max = bytes,
          .messages_max = piece < 64 ? 3u : 8u,
          .domains = places.moves()};
}

// What else would find the mistake first is out of the way.
SessionRules RulesFor(World& world, const Faults& faults, const Places& places,
                      SessionMistake mistake) {
  SessionRules rules = DrawRules(world, faults, DrawClimate(world));
  FitTo(world, places, rules);
  if (mistake == SessionMistake::kIgnoresAffinity) rules.login.user_sessions_max = 0;
  return rules;
}

}  // namespace

SessionStory::SessionStory(World& world, SessionMistake mistake)
    : world_(world),
      mistake_(mistake),
      random_(world.Stream("story")),
      climate_(DrawClimate(world)),
      places_(DrawPlaces(world, climate_ == Climate::kMortal)),
      network_(world, DrawFaults(world)),
      rules_(RulesFor(world, network_.faults(), places_, mistake)),
      mail_(world.Stream("mail"), DrawShape(world, network_.faults(), places_, rules_.one_store)),
      ledger_(world, mail_, rules_),
      poplar_(network_, rules_, mistake, places_),
      node_sessions_(ledger_, network_, poplar_.health(), rules_, places_),
      disasters_(world, network_, poplar_, mail_, nodes_, [this](size_t node) { Restart(node); }),
      steady_machine_(network_, "steady clients", *io::Address::Parse("10.0.1.1", 0)),
      doomed_machine_(network_, "doomed clients", *io::Address::Parse("10.0.1.2", 0)),
      steady_scope_(steady_machine_.ready()),
      doomed_scope_(doomed_machine_.ready()) {
  BuildNodes();
  std::vector<io::Address> addresses;
  addresses.reserve(nodes_.size());
  for (const auto& node : nodes_) addresses.push_back(node->address());
  const auto settings = BuildSettings(rules_, places_, addresses, mistake_);
  DeliverMail(*settings);
  PlanMove();
  if (move_)
    settings->moves =
        std::make_shared<balancer::Moves>(std::vector<balancer::MoveRule>{move_->rule});
  std::vector<std::string> users;
  for (const SessionMail::User& user : mail_.users()) users.push_back(user.name);
  poplar_.Start(settings, std::move(users));
  PlanNames();
}

void SessionStory::PlanMove() {
  if (!places_.moves()) return;
  move_ = DrawMove(world_, mail_);
  moves_ = std::make_unique<MoveJudge>(world_, mail_, move_->rule);
  node_sessions_.set_moves(moves_.get());
  for (const MoveScript::Step& step : move_->steps) {
    world_.After(step.when, [this, share = step.permille] {
      moves_->OnShare(share);
      poplar_.SetShare(share);
    });
  }
}

// Clients come when the first nodes are known.
void SessionStory::PlanNames() {
  if (!places_.discovers()) return;
  names_ = std::make_unique<NameServer>(world_, places_);
  const NameScript script = DrawNames(world_, places_);
  for (const size_t node : script.at_first) names_->SetNamed(node, true);
  poplar_.Discover(*names_);
  node_sessions_.set_discovery(poplar_.discovery());
  world_.MustReach(
      "the nodes are known", [this] { return poplar_.discovery()->answered(); }, minutes(5));
  for (const NameScript::Step& step : script.steps) {
    world_.After(step.when, [this, step] {
      if (over_) return;
      if (step.leaves) Rename(*step.leaves, false);
      if (step.comes) Rename(*step.comes, true);
      if (step.removed) Remove(*step.removed);
    });
  }
}

void SessionStory::Rename(size_t node, bool named) {
  names_->SetNamed(node, named);
  if (named || !names_->reliable()) return;
  world_.After(SessionDiscovery::Slowness() + rules_.Paused(),
               [this, node, changes = names_->changes(node)] {
                 if (over_ || poplar_.stopped() || names_->changes(node) != changes) return;
                 poplar_.discovery()->MustHaveLeft(node);
               });
}

size_t SessionStory::Piece() const { return PieceOf(network_.faults()); }

void SessionStory::BuildNodes() {
  const size_t count = places_.names.size();
  const size_t drawn = random_.Chance(0.4) ? random_.Below(count) : count;
  const bool bad_ones = climate_ == Climate::kWild && drawn < count && world_.Allows("bad nodes");
  const size_t bad = bad_ones ? drawn : count;
  const bool all = random_.Chance(0.4);
  const double fault = random_.Chance(0.5) ? 1.0 : 0.4;
  bad_nodes_ = bad < count;
  const bool mortal = climate_ == Climate::kMortal && world_.Allows("dying sessions");
  if (mortal) deaths_left_ = static_cast<int>(random_.Between(0, 6));
  nodes_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const bool is_bad = i == bad || (all && bad < count);
    const SessionNode::Plan plan{.index = i,
                                 .exclusive_lock = rules_.exclusive_lock,
                                 .fault = is_bad || mortal ? fault : 0.0,
                                 .deaths_left = mortal ? &deaths_left_ : nullptr,
                                 .mistake = mistake_,
                                 .fault_bytes_max = std::min<size_t>(Piece() * 60 + 100, 4000),
                                 .prober = poplar_.prober_host(),
                                 .stale = rules_.stale};
    StartNode(plan);
  }
}

void SessionStory::StartNode(const SessionNode::Plan& plan) {
  const size_t node = plan.index;
  if (nodes_[node] != nullptr) dead_nodes_.push_back(std::move(nodes_[node]));
  demo::MailStore& store = mail_.store(StoreOf(node));
  nodes_[node] = std::make_unique<SessionNode>(network_, store, ledger_, node_sessions_, plan);
  nodes_[node]->Start();
}

void SessionStory::Restart(size_t node) {
  if (over_) return;
  SessionNode::Plan plan = nodes_[node]->plan();
  ++plan.generation;
  nodes_[node]->Stop();
  StartNode(plan);
}

// To another address. Where it was it still serves whoever comes.
void SessionStory::Remove(size_t node) {
  SessionNode::Plan plan = nodes_[node]->plan();
  ++plan.generation;
  ++plan.removals;
  StartNode(plan);
  names_->Remove(node);
}

// A user's mail lies where the user is to be served.
void SessionStory::DeliverMail(const session::Settings& settings) {
  std::vector<size_t> homes(mail_.users().size());
  std::vector<std::vector<size_t>> orders;
  for (size_t i = 0; i < homes.size(); ++i) {
    const auto user = balancer::CanonicalUser::FromLogin(mail_.users()[i].name, settings.canonical);
    std::vector<size_t>& order = orders.emplace_back();
    for (const Places::Cluster& cluster : places_.clusters) {
      std::vector<balancer::WeightedNode> nodes;
      nodes.reserve(cluster.nodes.size());
      for (const size_t node : cluster.nodes) nodes.emplace_back(places_.names[node], 100);
      for (const uint32_t next : balancer::OrderOfPreference(user->text(), nodes))
        order.push_back(cluster.nodes[next]);
    }
    homes[i] = StoreOf(order.front());
  }
  mail_.Deliver(homes);
  node_sessions_.set_orders(std::move(orders));
}

// --- the cast

void SessionStory::SpawnClients() {
  const size_t count = random_.Between(1, 6);
  for (size_t i = 0; i < count; ++i) {
    const bool doomed = random_.Chance(0.3);
    ClientPlan plan = DrawClient();
    const std::string name = "client " + std::to_string(i);
    if (!world_.Allows(name)) continue;
    plan.may_be_cut_off = network_.faults().silence > 0 || network_.faults().connect_lost > 0 ||
                          (doomed && doomed_vanishes_);
    SimProactor& machine = doomed ? doomed_machine_ : steady_machine_;
    clients_.emplace_back(machine, ledger_, poplar_.address(), plan, world_.Stream(name));
    (doomed ? doomed_scope_ : steady_scope_).Spawn(clients_.back().Run());
  }
}

ClientPlan SessionStory::DrawClient() {
  ClientPlan plan;
  plan.user = random_.Below(mail_.users().size());
  if (random_.Chance(0.15)) plan.spelling = random_.Below(size_t{1} << SessionMail::kIdBits);
  DrawTemper(plan);
  if (random_.Chance(0.5)) plan.habit = static_cast<ClientHabit>(random_.Below(kClientHabits));
  plan.eager = random_.Chance(0.3);
  plan.only_reads = random_.Chance(0.5);
  plan.deletes = !plan.only_reads && random_.Chance(0.7);
  plan.asks_no_uidl = random_.Chance(0.2);
  if (random_.Chance(0.5)) plan.tags = 0.3;
  if (random_.Chance(0.4)) plan.thinks = random_.Between(milliseconds(10), seconds(3));
  plan.quits = random_.Chance(0.8);
  plan.talks_on = random_.Chance(0.1);
  plan.goes_opaque = random_.Chance(0.07);
  plan.depth = random_.Chance(0.4) ? 1 : random_.Between(2, 100);
  plan.depth = DepthOf(plan.habit, plan.depth);
  plan.commands = random_.Between(0, Piece() < 64 ? 8 : 20);
  if (Piece() >= 512 && random_.Chance(0.05)) plan.commands = 400;  // more than a session queues
  plan.cut_after = random_.Between(1, 60 + plan.commands * 8);
  plan.give_up_after = Piece() * 20 + 500;
  plan.connections_max = static_cast<int>(random_.Between(1, 3));
  if (random_.Chance(0.5)) plan.polls = static_cast<int>(random_.Between(2, Piece() < 64 ? 2 : 4));
  if (random_.Chance(0.3)) plan.poll_pause_max = seconds(30);
  if (random_.Chance(0.3)) plan.mistypes = 0.2;
  plan.start_after = random_.Chance(0.5) ? io::Duration(0) : DrawMoment(random_);
  const bool reads_late =
      plan.temper == SessionTemper::kSlow || plan.temper == SessionTemper::kStalls;
  if (!slow() && !reads_late) plan.login_patience = rules_.LongestLogin();
  plan.answer_patience = rules_.LongestSession() - rules_.timeouts.client_idle + kSlack;
  if (climate_ == Climate::kMortal && !slow() && !reads_late) {
    const io::Duration stall = rules_.upstream.response + rules_.resume.deadline;
    plan.answer_patience = std::max(rules_.LongestLogin(), stall) + kAbortTakes;
  }
  plan.idle_patience = plan.answer_patience + rules_.timeouts.client_idle;
  return plan;
}

// Half of them behave, so that most worlds get somewhere.
void SessionStory::DrawTemper(ClientPlan& plan) {
  if (random_.Chance(0.5)) plan.temper = static_cast<SessionTemper>(random_.Below(kSessionTempers));
  if (climate_ != Climate::kWild && plan.temper == SessionTemper::kStalls)
    plan.temper = SessionTemper::kSlow;
  somebody_stalls_ |= plan.temper == SessionTemper::kStalls;
}

// --- the play

void SessionStory::Run() {
  disasters_.Plan(climate_, rules_);
  if (climate_ == Climate::kWild && random_.Chance(0.1) && world_.Allows("clients vanish")) {
    doomed_vanishes_ = true;
    world_.After(DrawMoment(random_), [this] { network_.Vanish(doomed_machine_.host()); });
  }
  SpawnClients();
  world_.MustReach("every client is done", [this] { return ClientsDone(); }, kLongestTalk);
  poplar_.StopAccepting();
  // Those whose clients fell silent end by Poplar's own deadlines, nobody else's doing.
  if (poplar_.aborted()) {
    world_.MustReach(
        "an aborted Poplar is idle", [this] { return poplar_.idle(); },
        kAbortTakes + rules_.Paused());
  }
  world_.MustReach("Poplar is idle", [this] { return poplar_.idle(); }, rules_.LongestSession());
  over_ = true;
  for (auto& node : nodes_) node->Stop();
  for (auto& node : dead_nodes_) node->Stop();
  world_.MustReach("the nodes are idle", [this] { return NodesIdle(); }, hours(1));
  ledger_.JudgeDeletions();
  poplar_.MustBeClean();
  JudgeRecords();
  JudgeClients();
  for (auto& node : nodes_) node->proactor().MustBeIdle();
  for (auto& node : dead_nodes_) node->proactor().MustBeIdle();
  steady_machine_.MustBeIdle();
  doomed_machine_.MustBeIdle();
}

void SessionStory::AddTo(Totals& totals) const {
  const BalancedMeter::Totals& poplar = poplar_.totals();
  totals["logins"] += poplar.logins;
  totals["on warm connections"] += poplar.warm;
  totals["on parked sessions"] += poplar.reused;
  totals["seen reused by nodes"] += node_sessions_.reused();
  totals["parked"] += poplar.parked;
  totals["parked ones found unfit"] += poplar.unfit;
  totals["sockets that changed workers"] += network_.migrated();
  totals["logins that queued and were served"] += poplar.queued_and_served;
  totals["logins that queued in vain"] += poplar.queued_in_vain;
  totals["left while queued"] += poplar.left_queue;
  totals["logins retried"] += poplar.retried;
  totals["failovers"] += poplar.failed_over;
  totals["users moved"] += node_sessions_.moved();
  if (SessionsAreResumed()) {
    totals["resumed"] += poplar.resumed;
    totals["not resumed"] += poplar.not_resumed;
  }
  totals["transitions of nodes"] += poplar_.health().transitions();
  totals["probes failed"] += poplar_.health().probes_failed();
  totals["nodes found"] += poplar_.health().found();
  totals["nodes gone"] += poplar_.health().gone();
  if (moves_ == nullptr) return;
  const balancer::Moves::Counts& moved = poplar_.settings().moves->counts(0);
  totals["users moved to another cluster, or back"] += moves_->changes();
  totals["logins where a move has taken their user"] += moved.landed;
  totals["sessions ended for a move"] += moved.ended;
}

bool SessionStory::ClientsDone() const {
  return std::all_of(clients_.begin(), clients_.end(),
                     [](const SessionClient& client) { return client.done(); }) &&
         steady_scope_.count() == 0 && doomed_scope_.count() == 0;
}

bool SessionStory::NodesIdle() const {
  const auto idle = [](const auto& node) { return node->idle(); };
  return std::all_of(nodes_.begin(), nodes_.end(), idle) &&
         std::all_of(dead_nodes_.begin(), dead_nodes_.end(), idle);
}

}  // namespace poplar::simulation
