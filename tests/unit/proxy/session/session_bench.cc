#include "tests/unit/proxy/session/session_bench.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "proxy/pop3/reply.h"
#include "proxy/tls/stream.h"
#include "proxy/tls/throwaway_certificate.h"
#include "proxy/upstream/keeper.h"

namespace poplar::session {
namespace {

const io::Address kPoplar = *io::Address::Parse("192.0.2.1", 995);
const io::Address kClients = *io::Address::Parse("192.0.2.200", 0);

std::string HostOf(size_t node) { return "192.0.2." + std::to_string(10 + node); }
io::Address AddressOf(size_t node) { return *io::Address::Parse(HostOf(node), 110); }
std::string NameOf(size_t node) { return "n" + std::to_string(node); }

}  // namespace

SessionBench::MailMachine::MailMachine(simulation::Network& network, const io::Address& host,
                                       const Options& options)
    : proactor(network, "mail node", host), node(proactor, *options.store, options.mail_node) {
  if (!options.node_tls) {
    EXPECT_TRUE(node.Listen(host).has_value());
    return;
  }
  const int64_t now = proactor.clock().UnixMicros() / 1'000'000;
  tls =
      *tls::ServerContext::Create({.certificates_in_memory = {tls::MakeThrowawayCertificate(now)}});
  listener = *proactor.Listen(host, {});
  scope.Spawn(ServeTls(listener));
}

io::Task<void> SessionBench::MailMachine::ServeTls(io::SocketId from) {
  for (;;) {
    const io::Result<io::Accepted> accepted = co_await proactor.Accept(from);
    if (!accepted) break;
    scope.Spawn(ServeOne(accepted->socket));
  }
  proactor.Close(from);
}

io::Task<void> SessionBench::MailMachine::ServeOne(io::SocketId socket) {
  auto stream =
      std::make_unique<tls::TlsStream>(std::make_unique<io::SocketStream>(proactor, socket),
                                       tls->NewConnection(), proactor.buffers(), proactor.ready());
  const io::Result<> secured = co_await stream->Handshake();
  if (secured) co_await node.Serve(std::move(stream));
}

void SessionBench::MailMachine::Stop() {
  node.Stop();
  if (tls != nullptr) proactor.Abort(listener);
}

SessionBench::SessionBench(const Options& options)
    : options_(options),
      world_(options.seed),
      network_(world_, options.faults),
      poplar_(network_, "poplar", kPoplar),
      client_machine_(network_, "clients", kClients) {
  for (size_t i = 0; i < options.nodes + options.archive_nodes; ++i) {
    if (options.store != nullptr) {
      mail_machines_.emplace_back(network_, AddressOf(i), options_);
    } else {
      nodes_.emplace_back(network_, NameOf(i), HostOf(i));
      nodes_.back().set_answer("QUIT",
                               {"+OK bye\r\n", upstream::ScriptedNode::Answer::Then::kClose});
    }
  }
  BuildSettings();
  digest_ = std::make_unique<tls::KeyedDigest>(poplar_.random());
  sealer_ = std::make_unique<tls::Sealer>(poplar_.random());
  environment_.reset(
      new Environment{poplar_, scope_, affinity_, *digest_, *sealer_, poplar_.random().Next(), log,
                      options_.meter == nullptr ? meter : *options_.meter, observer, admission,
                      newcomers, options_.lookups, nullptr, nullptr, options_.successor});
  listener_ = *poplar_.Listen(kPoplar, {});
  accepting_.Spawn(AcceptAll(listener_));
  BeginKeeping();
}

void SessionBench::BeginKeeping() {
  for (const auto& node : cluster_->nodes) {
    if (options_.keepers) {
      keepers_.push_back(
          std::make_unique<upstream::Keeper>(poplar_, keeping_, *cluster_, *node, observer));
      keeping_.Spawn(keepers_.back()->Run());
    }
    if (options_.probers) {
      probers_.push_back(std::make_unique<upstream::Prober>(poplar_, *cluster_, *node, observer));
      keeping_.Spawn(probers_.back()->Run());
    }
  }
}

void SessionBench::StopKeeping() {
  for (const auto& keeper : keepers_) keeper->Stop();
  for (const auto& prober : probers_) prober->Stop();
}

void SessionBench::BuildSettings() {
  std::vector<balancer::Cluster> clusters{{"mail", options_.shared_storage, {}}};
  if (options_.archive_nodes > 0) clusters.push_back({"archive", options_.shared_storage, {}});
  for (size_t i = 0; i < options_.nodes + options_.archive_nodes; ++i)
    clusters[i < options_.nodes ? 0 : 1].nodes.push_back({NameOf(i), 100});
  settings_->nodes = *balancer::NodeTable::Build(clusters);
  for (size_t i = 0; i < clusters.size(); ++i) settings_->clusters.push_back(BuildCluster(i));
  cluster_ = settings_->clusters.front();
  settings_->admission = options_.admission;
  settings_->cluster_policies = {options_.cluster};
  settings_->timeouts = options_.timeouts;
  settings_->bad_commands_max = 5;
  settings_->listeners.push_back(options_.listener);
  settings_->listeners[0].name = "pop3";
  settings_->listeners[0].cluster = *settings_->nodes->FindCluster("mail");
  if (options_.edit) options_.edit(*settings_);
}

std::shared_ptr<upstream::Cluster> SessionBench::BuildCluster(size_t index) {
  const balancer::Cluster& from = settings_->nodes->clusters()[index];
  const std::vector<balancer::NodeId>& ids = settings_->nodes->NodeIds(index);
  std::vector<balancer::ClusterHealth::Member> members;
  for (const balancer::NodeId id : ids) members.push_back({id, 100, {}});
  auto cluster = std::make_shared<upstream::Cluster>(
      *settings_->nodes->FindCluster(from.name), from.name,
      balancer::ClusterRules{options_.shared_storage, options_.affinity}, options_.health, members);
  cluster->first_terms().login = options_.login;
  cluster->first_terms().resume = options_.resume;
  for (const balancer::NodeId id : ids) {
    const auto i = static_cast<size_t>(id);
    auto endpoint = std::make_shared<upstream::Endpoint>();
    endpoint->name = from.name + "/" + NameOf(i);
    endpoint->address = AddressOf(i);
    endpoint->host_name = NameOf(i);
    endpoint->timeouts = options_.upstream;
    if (options_.node_tls) {
      endpoint->tls =
          *tls::ClientContext::Create({.verify = tls::ClientSettings::Verify::kInsecure});
      endpoint->tls_sessions = std::make_shared<tls::ClientSessions>();
    }
    cluster->nodes.push_back(std::make_unique<upstream::Node>(id, std::move(endpoint),
                                                              options_.pool, options_.pool_wait));
    settings_->upstream_nodes.push_back(cluster->nodes.back().get());
  }
  return cluster;
}

balancer::HealthRules SessionBench::OneStrike() {
  balancer::HealthRules rules;
  rules.probes = false;
  rules.consecutive_failures = 1;
  rules.ejection_time = rules.ejection_time_max = std::chrono::milliseconds(1);
  rules.ejected_percent_max = 100;
  rules.hold_down = rules.slow_start = io::Duration(0);
  rules.panic_percent = 0;
  return rules;
}

// What lies in the pools, as a keeper would.
void SessionBench::EndIdle() {
  for (const auto& node : cluster_->nodes) {
    node->pool.SetOpen(false);
    for (auto& idle : node->pool.TakeAllIdle()) {
      upstream::RetireInBackground(poplar_, scope_, std::move(idle));
    }
  }
}

SessionBench::~SessionBench() {
  for (upstream::DrivenPeer& client : clients_) client.Shut();
  for (upstream::ScriptedNode& node : nodes_) node.Stop();
  for (MailMachine& machine : mail_machines_) machine.Stop();
  poplar_.Abort(listener_);
  StopKeeping();
  EndIdle();
  EXPECT_TRUE(Run([this] { return Idle(); }, std::chrono::hours(1))) << world_.why_not();
  EXPECT_EQ(affinity_.Users(), 0u);
  if (options_.meter == nullptr) {
    EXPECT_EQ(log.records.size(),
              static_cast<size_t>(std::count(meter.calls.begin(), meter.calls.end(), "began")));
  }
  clients_.clear();
  keepers_.clear();
  probers_.clear();
  for (upstream::ScriptedNode& node : nodes_) {
    node.connections().clear();
    node.machine().MustBeIdle();
  }
  for (MailMachine& machine : mail_machines_) machine.proactor.MustBeIdle();
  poplar_.MustBeIdle();
  client_machine_.MustBeIdle();
}

bool SessionBench::Idle() const {
  return scope_.count() == 0 && accepting_.count() == 0 && keeping_.count() == 0 &&
         std::all_of(clients_.begin(), clients_.end(),
                     [](const auto& peer) { return peer.done(); }) &&
         std::all_of(nodes_.begin(), nodes_.end(), [](const auto& node) { return node.idle(); }) &&
         std::all_of(mail_machines_.begin(), mail_machines_.end(),
                     [](const MailMachine& machine) { return machine.idle(); });
}

io::Task<void> SessionBench::AcceptAll(io::SocketId listener) {
  for (;;) {
    const io::Result<io::Accepted> accepted = co_await poplar_.Accept(listener);
    if (!accepted) break;
    scope_.Spawn(Serve(*accepted));
  }
  poplar_.Close(listener);
}

io::Task<void> SessionBench::Serve(io::Accepted accepted) {
  Session session(*environment_, settings_, settings_->listeners.front(), accepted,
                  *admission.connections.Admit(settings_->admission, Now()));
  sessions_.insert(&session);
  io::Event woken(poplar_.ready());
  while (co_await session.Run()) {
    session.Rest(io::Waker::Of(woken));
    co_await woken.Wait();
  }
  sessions_.erase(&session);
}

std::vector<size_t> SessionBench::Preferred(std::string_view user) const {
  const auto canonical = balancer::CanonicalUser::FromLogin(user, settings_->canonical);
  std::vector<size_t> preferred;
  for (const balancer::NodeId node :
       settings_->nodes->Choose(settings_->listeners.front().cluster, *canonical)) {
    preferred.push_back(static_cast<size_t>(node));
  }
  return preferred;
}

upstream::DrivenPeer& SessionBench::Connect() {
  upstream::DrivenPeer& client = clients_.emplace_back(client_machine_, kPoplar);
  const auto greeted = [&client] { return client.received() == pop3::kGreeting; };
  EXPECT_TRUE(Run(greeted, std::chrono::seconds(1))) << world_.why_not();
  client.Forget();
  return client;
}

upstream::DrivenPeer& SessionBench::ConnectAndSay(std::string_view first) {
  upstream::DrivenPeer& client = clients_.emplace_back(client_machine_, kPoplar);
  client.Send(first);
  Settle();
  return client;
}

upstream::DrivenPeer& SessionBench::ConnectToNode(size_t index) {
  upstream::DrivenPeer& client = clients_.emplace_back(client_machine_, AddressOf(index));
  Settle();
  client.Forget();
  return client;
}

std::string SessionBench::Ask(upstream::DrivenPeer& client, std::string_view bytes) {
  for (const auto& node : cluster_->nodes) {
    cluster_->health.OnTime(node->id, Now().time_since_epoch());
  }
  client.Send(bytes);
  Settle();
  std::string got = client.received();
  client.Forget();
  return got;
}

std::string SessionBench::LogIn(upstream::DrivenPeer& client, std::string_view user,
                                std::string_view password) {
  EXPECT_EQ(Ask(client, "USER " + std::string(user) + "\r\n"), pop3::kReplyUserAccepted);
  return Ask(client, "PASS " + std::string(password) + "\r\n");
}

void SessionBench::Settle(io::Duration most) {
  Run([] { return false; }, most);
}

void SessionBench::StandStill(io::Duration how_long) {
  poplar_.Freeze(true);
  world_.After(how_long, [this] { poplar_.Freeze(false); });
  Settle(how_long);
}

bool SessionBench::Run(const std::function<bool()>& predicate, io::Duration most) {
  return world_.RunUntil(predicate, most);
}

const Record& SessionBench::RunToEnd(io::Duration most) {
  EXPECT_TRUE(Run([this] { return sessions_.empty(); }, most)) << world_.why_not();
  Settle();
  if (log.records.empty()) log.records.emplace_back();
  return log.records.back();
}

void SessionBench::LeaveAll(io::Duration silence) {
  const io::Time since = poplar_.Now();
  for (Session* session : sessions_) session->BeginLeaving(silence);
  scope_.Spawn([](SessionBench& bench, io::Time begun, io::Duration patience) -> io::Task<void> {
    while (!bench.sessions_.empty()) {
      for (Session* session : bench.sessions_) session->LeaveIfSilent(begun, patience);
      co_await bench.poplar_.Sleep(std::chrono::milliseconds(250));
    }
  }(*this, since, silence));
}

void SessionBench::DrainAll() {
  for (Session* session : sessions_) session->Drain();
}

void SessionBench::SetAdmin(size_t node, balancer::AdminState state) {
  const balancer::NodeId id = cluster_->nodes[node]->id;
  (void)cluster_->health.SetAdmin(id, state, Now().time_since_epoch());
  if (state != balancer::AdminState::kDown) return;
  for (Session* session : sessions_) session->DropNode(id);
}

void SessionBench::TakeOut(size_t node) {
  const balancer::NodeId id = cluster_->nodes[node]->id;
  EXPECT_TRUE(cluster_->health.OnEvidence(id, balancer::Evidence::kUnreachable, "refused",
                                          Now().time_since_epoch()));
  for (Session* session : sessions_) session->LookAtNode(id);
}

size_t SessionBench::OpenAtNode(size_t index) {
  auto& connections = nodes_[index].connections();
  return static_cast<size_t>(
      std::count_if(connections.begin(), connections.end(), [](const upstream::DrivenPeer& peer) {
        return peer.end() == upstream::DrivenPeer::End::kOpen;
      }));
}

void SessionBench::AbortAll() {
  for (Session* session : sessions_) session->Abort();
}

}  // namespace poplar::session
