#include "proxy/upstream/discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/proxy/upstream/node_bench.h"
#include "tests/unit/proxy/upstream/scripted_resolver.h"

namespace poplar::upstream {
namespace {

using balancer::NodeId;
using State = balancer::Seating::State;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = io::ResolveError::Kind;
using Names = std::vector<std::string>;

class HostDouble final : public DiscoveryHost {
 public:
  void SatDown(NodeId seat) override { sat_down.push_back(seat); }
  void Publish(const Cluster& cluster, const std::vector<DiscoveredNode>& all) override {
    EXPECT_EQ(cluster.name, "pods");
    nodes = all;
    ++published;
  }
  bool IsForgotten(NodeId seat) const override { return !remembered.contains(seat); }
  void Note(std::string_view text, bool is_trouble) override {
    log.push_back((is_trouble ? "! " : "") + std::string(text));
  }

  std::vector<NodeId> sat_down;
  std::vector<DiscoveredNode> nodes;
  int published = 0;
  std::set<NodeId> remembered;  // by logins that are under way
  std::vector<std::string> log;
};

class DiscoveryBench {
 public:
  explicit DiscoveryBench(uint32_t seats = 4, DiscoveryOptions options = ByAddress())
      : options_(std::move(options)),
        cluster(balancer::ClusterId{0}, "pods", {.shared_storage = true}, {}, Members(seats)) {
    for (uint32_t i = 0; i < seats; ++i) {
      cluster.nodes.push_back(std::make_unique<Node>(NodeId{i}, std::make_shared<Endpoint>(),
                                                     balancer::PoolLimits(), seconds(15)));
    }
  }
  ~DiscoveryBench() {
    Stop();
    poplar_.MustBeIdle();
  }

  static DiscoveryOptions ByAddress() {
    DiscoveryOptions options{.name = "mail.svc", .port = 110};
    options.pattern.tls_sessions = std::make_shared<tls::ClientSessions>();
    return options;
  }
  static DiscoveryOptions ByService() { return {.name = "_pop3._tcp.mail.svc", .service = true}; }

  void Start() {
    discovery_ = std::make_unique<Discovery>(poplar_, resolver, cluster, options_, recorder, host);
    scope_.Spawn(discovery_->Run());
    RunFor(milliseconds(1));
  }
  void Stop() {
    if (discovery_ == nullptr) return;
    discovery_->Stop();
    EXPECT_TRUE(world_.RunUntil([this] { return scope_.count() == 0; }, seconds(1)));
    discovery_.reset();
  }
  void RunFor(io::Duration time) {
    world_.RunUntil([] { return false; }, time);
  }
  // Until the next answer has been taken.
  void Ask() {
    const size_t asked = resolver.asked.size();
    EXPECT_TRUE(world_.RunUntil([&] { return resolver.asked.size() > asked; }, minutes(10)));
    RunFor(milliseconds(1));
  }

  Names Present() const {
    Names names;
    for (const DiscoveredNode& node : host.nodes) names.push_back(node.node.name);
    return names;
  }
  Names Seats() const {
    Names names;
    for (const auto& node : cluster.nodes) {
      const State state = cluster.health.seat(node->id);
      const std::string name(NameInCluster(*node->endpoint()));
      names.push_back(state == State::kVacant    ? "-"
                      : state == State::kLeaving ? name + " leaving"
                                                 : name);
    }
    return names;
  }
  Discovery::Status status() const { return discovery_->status(); }
  balancer::ClusterHealth& health() { return cluster.health; }
  Node& node(size_t seat) { return *cluster.nodes[seat]; }

 private:
  static std::vector<balancer::ClusterHealth::Member> Members(uint32_t seats) {
    std::vector<balancer::ClusterHealth::Member> members;
    for (uint32_t i = 0; i < seats; ++i)
      members.push_back({.node = NodeId{i}, .seat = State::kVacant});
    return members;
  }
  const DiscoveryOptions options_;
  simulation::World world_{7};
  simulation::Network network_{world_, {}};
  simulation::SimProactor poplar_{network_, "poplar", *io::Address::Parse("192.0.2.1", 0)};
  io::TaskScope scope_{poplar_.ready()};

 public:
  ScriptedResolver resolver;
  Recorder recorder{world_};
  HostDouble host;
  Cluster cluster;

 private:
  std::unique_ptr<Discovery> discovery_;
};

TEST(DiscoveryTest, SeatsAndPublishesWhatTheNameServerSays) {
  DiscoveryBench bench;
  bench.resolver.SetHost("mail.svc", {"10.0.0.2", "10.0.0.1", "2001:db8::1"});
  bench.Start();
  EXPECT_THAT(bench.Present(), ElementsAre("10.0.0.1", "10.0.0.2", "2001:db8::1"));
  EXPECT_THAT(bench.Seats(), ElementsAre("10.0.0.1", "10.0.0.2", "2001:db8::1", "-"));
  const auto endpoint = bench.node(1).endpoint();
  EXPECT_EQ(endpoint->name, "pods/10.0.0.2");
  EXPECT_EQ(endpoint->address.Text(), "10.0.0.2:110");
  EXPECT_EQ(endpoint->host_name, "mail.svc");  // as the operator asked for it
  EXPECT_NE(endpoint->tls_sessions, bench.node(0).endpoint()->tls_sessions);
  EXPECT_EQ(bench.host.sat_down.size(), 3u);
  EXPECT_TRUE(bench.status().answered);
  EXPECT_EQ(bench.status().nodes, 3u);
  ASSERT_EQ(bench.recorder.changes.size(), 3u);
  EXPECT_EQ(bench.recorder.changes[0].transition.cause, balancer::TransitionCause::kDiscovered);
  EXPECT_EQ(bench.recorder.changes[0].transition.evidence, "mail.svc names it, at 10.0.0.1:110");
}

TEST(DiscoveryTest, OnlyTheFamilyThatIsWanted) {
  DiscoveryOptions options = DiscoveryBench::ByAddress();
  options.family = AddressFamily::kIpv6;
  DiscoveryBench bench(4, options);
  bench.resolver.SetHost("mail.svc", {"10.0.0.1", "2001:db8::1"});
  bench.Start();
  EXPECT_THAT(bench.Present(), ElementsAre("2001:db8::1"));
}

TEST(DiscoveryTest, NothingIsPublishedWhileNothingChanges) {
  DiscoveryBench bench;
  bench.resolver.SetHost("mail.svc", {"10.0.0.1"});
  bench.Start();
  bench.RunFor(minutes(10));
  EXPECT_GT(bench.resolver.asked.size(), 30u);
  EXPECT_EQ(bench.host.published, 1);
  EXPECT_EQ(bench.status().ok, bench.resolver.asked.size());
}

// --- when it is asked again

io::Duration Pauses(io::Duration ttl, io::Duration* longest) {
  DiscoveryBench bench;
  bench.resolver.SetHost("mail.svc", {"10.0.0.1"}, ttl);
  bench.Start();
  for (int i = 0; i < 20; ++i) bench.Ask();
  io::Duration least = minutes(100);
  *longest = {};
  for (size_t i = 1; i < bench.resolver.at.size(); ++i) {
    const io::Duration pause = bench.resolver.at[i] - bench.resolver.at[i - 1];
    least = std::min(least, pause);
    *longest = std::max(*longest, pause);
  }
  return least;
}

TEST(DiscoveryTest, AnswersCountForTheirTtlWithinBoundsAndALittleLonger) {
  struct Case {
    io::Duration ttl, pause;
  };
  const Case cases[] = {
      {seconds(20), seconds(20)}, {seconds(0), seconds(5)}, {std::chrono::hours(100), minutes(5)}};
  for (const Case& c : cases) {
    io::Duration longest;
    const io::Duration least = Pauses(c.ttl, &longest);
    EXPECT_GE(least, c.pause);
    EXPECT_LE(longest, c.pause + c.pause / 10 + milliseconds(10));
    EXPECT_LT(least, longest);  // not in step with others
  }
}

TEST(DiscoveryTest, AfterFailuresItIsAskedSoonAndEverLater) {
  DiscoveryBench bench;
  bench.resolver.Fail("mail.svc", Kind::kFailed);
  bench.Start();
  for (int i = 0; i < 10; ++i) bench.Ask();
  const auto& at = bench.resolver.at;
  EXPECT_LE(at[1] - at[0], seconds(6));
  EXPECT_GE(at[2] - at[1], seconds(10));
  EXPECT_GE(at[10] - at[9], minutes(5));
  EXPECT_LE(at[10] - at[9], minutes(6));
  EXPECT_EQ(bench.status().failed, 11u);
  EXPECT_FALSE(bench.status().answered);
  // Once for all of them.
  ASSERT_EQ(bench.host.log.size(), 1u);
  EXPECT_THAT(bench.host.log[0], HasSubstr("! cluster pods: no node is known yet: mail.svc"));
}

// --- what is no answer changes nothing

TEST(DiscoveryTest, TheNodesKnownStayWithoutAGoodAnswer) {
  for (const Kind kind : {Kind::kFailed, Kind::kNotFound}) {
    DiscoveryBench bench;
    bench.resolver.SetHost("mail.svc", {"10.0.0.1", "10.0.0.2"});
    bench.Start();
    bench.resolver.Fail("mail.svc", kind);
    bench.RunFor(minutes(30));
    EXPECT_THAT(bench.Seats(), ElementsAre("10.0.0.1", "10.0.0.2", "-", "-"));
    EXPECT_EQ(bench.host.published, 1);
    EXPECT_TRUE(bench.status().answered);
    EXPECT_EQ(bench.status().not_found > 0, kind == Kind::kNotFound);
    bench.resolver.SetHost("mail.svc", {"10.0.0.2"});
    bench.Ask();
    EXPECT_EQ(bench.Present(), Names{"10.0.0.2"});
    ASSERT_EQ(bench.host.log.size(), 2u);
    EXPECT_THAT(bench.host.log[0], HasSubstr("what was known before stays in force"));
    EXPECT_THAT(bench.host.log[1], HasSubstr("is over"));
  }
}

TEST(DiscoveryTest, OneFamilyThatCouldNotBeAskedForIsWhereItWas) {
  DiscoveryBench bench;
  bench.resolver.SetHost("mail.svc", {"10.0.0.1", "10.0.0.2", "2001:db8::1"});
  bench.Start();
  bench.resolver.SetHost("mail.svc", {"2001:db8::2"});
  bench.resolver.SetHalf("mail.svc");
  bench.Ask();
  EXPECT_EQ(bench.host.nodes.size(), 4u);
}

// --- nodes that come and go

TEST(DiscoveryTest, WhoIsGoneLeavesWhenItsUsersHave) {
  DiscoveryBench bench;
  bench.resolver.SetHost("mail.svc", {"10.0.0.1", "10.0.0.2"});
  bench.Start();
  bench.health().SessionBegan(NodeId{0});
  bench.host.remembered = {NodeId{0}};
  bench.resolver.SetHost("mail.svc", {"10.0.0.2"});
  bench.Ask();
  EXPECT_EQ(bench.Present(), Names{"10.0.0.2"});
  EXPECT_EQ(bench.recorder.changes.back().transition.cause, balancer::TransitionCause::kGone);
  bench.RunFor(minutes(10));
  EXPECT_THAT(bench.Seats(), ElementsAre("10.0.0.1 leaving", "10.0.0.2", "-", "-"));
  EXPECT_EQ(bench.status().leaving, 1u);
  bench.health().SessionEnded(NodeId{0});
  bench.RunFor(minutes(1));
  EXPECT_THAT(bench.Seats(), ElementsAre("10.0.0.1 leaving", "10.0.0.2", "-", "-"));  // a login
  bench.host.remembered = {};
  bench.RunFor(2 * Discovery::kTick);
  EXPECT_THAT(bench.Seats(), ElementsAre("-", "10.0.0.2", "-", "-"));
  EXPECT_EQ(bench.status().leaving, 0u);
}

TEST(DiscoveryTest, AConnectionKeepsTheSeatToo) {
  DiscoveryBench bench;
  bench.resolver.SetHost("mail.svc", {"10.0.0.1", "10.0.0.2"});
  bench.Start();
  std::optional<balancer::Slot> slot = bench.node(0).pool.SlotForWarm();
  ASSERT_TRUE(slot);
  bench.resolver.SetHost("mail.svc", {"10.0.0.2"});
  bench.Ask();
  bench.RunFor(minutes(1));
  EXPECT_EQ(bench.Seats()[0], "10.0.0.1 leaving");
  slot.reset();
  bench.RunFor(2 * Discovery::kTick);
  EXPECT_EQ(bench.Seats()[0], "-");
}

TEST(DiscoveryTest, WhoComesBackHasItsSeatAndSlowStart) {
  DiscoveryBench bench;
  bench.resolver.SetHost("mail.svc", {"10.0.0.1", "10.0.0.2"});
  bench.Start();
  EXPECT_EQ(bench.health().Status({})[0].ready_permille, 1000u);
  bench.host.remembered = {NodeId{0}};
  bench.resolver.SetHost("mail.svc", {"10.0.0.2"});
  bench.Ask();
  bench.resolver.SetHost("mail.svc", {"10.0.0.2", "10.0.0.1", "10.0.0.3"});
  bench.Ask();
  EXPECT_THAT(bench.Seats(), ElementsAre("10.0.0.1", "10.0.0.2", "10.0.0.3", "-"));
  EXPECT_EQ(bench.host.sat_down.size(), 3u);
  const auto now = bench.resolver.at.back().time_since_epoch();
  EXPECT_LT(bench.health().Status(now)[0].ready_permille, 500u);
  EXPECT_LT(bench.health().Status(now)[2].ready_permille, 500u);
}

TEST(DiscoveryTest, MoreThanThereAreSeatsWaitForOne) {
  DiscoveryBench bench(2);
  bench.resolver.SetHost("mail.svc", {"10.0.0.1", "10.0.0.2", "10.0.0.3"}, minutes(5));
  bench.Start();
  EXPECT_THAT(bench.Present(), ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_EQ(bench.status().unseated, 1u);
  ASSERT_EQ(bench.host.log.size(), 1u);
  EXPECT_THAT(bench.host.log[0], HasSubstr("1 node more than max_nodes has room for (2)"));
  EXPECT_THAT(bench.host.log[0], HasSubstr("10.0.0.3; raise discovery.max_nodes"));
  bench.host.remembered = {NodeId{0}};
  bench.resolver.SetHost("mail.svc", {"10.0.0.2", "10.0.0.3"}, minutes(5));
  bench.Ask();
  EXPECT_EQ(bench.Present(), Names{"10.0.0.2"});
  // Not only with the next answer.
  bench.host.remembered = {};
  bench.RunFor(2 * Discovery::kTick);
  EXPECT_THAT(bench.Present(), ElementsAre("10.0.0.3", "10.0.0.2"));
  EXPECT_EQ(bench.status().unseated, 0u);
}

// --- SRV records

TEST(DiscoveryTest, ServicesNameHostsPortsAndWeights) {
  DiscoveryBench bench(4, DiscoveryBench::ByService());
  bench.resolver.SetService("_pop3._tcp.mail.svc",
                            {{.host = "m0", .port = 110, .priority = 1, .weight = 10},
                             {.host = "m1", .port = 1110, .priority = 1, .weight = 20},
                             {.host = "m2", .port = 110, .priority = 2, .weight = 0}});
  bench.resolver.SetHost("m0", {"2001:db8::1", "10.0.0.1"});
  bench.resolver.SetHost("m1", {"10.0.0.2"});
  bench.resolver.SetHost("m2", {"10.0.0.3"});
  bench.Start();
  EXPECT_THAT(bench.Present(), ElementsAre("m0", "m1", "m2"));
  EXPECT_EQ(bench.host.nodes[0].node.weight, 10u);
  EXPECT_EQ(bench.host.nodes[1].node.weight, 20u);
  EXPECT_EQ(bench.host.nodes[2].node.weight, 0u);
  EXPECT_EQ(bench.host.nodes[1].host, "m1");
  EXPECT_EQ(bench.node(0).endpoint()->address.Text(), "10.0.0.1:110");
  EXPECT_EQ(bench.node(1).endpoint()->address.Text(), "10.0.0.2:1110");
  EXPECT_EQ(bench.node(1).endpoint()->host_name, "m1");
  EXPECT_EQ(bench.health().Status({})[2].weight, 0u);
}

TEST(DiscoveryTest, AHostThatMovesKeepsItsSeat) {
  DiscoveryBench bench(4, DiscoveryBench::ByService());
  bench.resolver.SetService("_pop3._tcp.mail.svc", {{.host = "m0", .port = 110}});
  bench.resolver.SetHost("m0", {"10.0.0.1"});
  bench.Start();
  const auto before = bench.node(0).endpoint();
  bench.resolver.SetHost("m0", {"10.0.0.9"});
  bench.Ask();
  bench.Ask();
  EXPECT_EQ(bench.Seats()[0], "m0");
  EXPECT_EQ(bench.node(0).endpoint()->address.Text(), "10.0.0.9:110");
  EXPECT_EQ(bench.host.sat_down.size(), 1u);
  EXPECT_EQ(bench.host.published, 2);  // the places' names have changed
  EXPECT_THAT(bench.host.log.back(), HasSubstr("is at 10.0.0.9:110 now"));
  // Another address besides is no reason to move.
  bench.resolver.SetHost("m0", {"10.0.0.1", "10.0.0.9"});
  bench.Ask();
  bench.Ask();
  EXPECT_EQ(bench.node(0).endpoint()->address.Text(), "10.0.0.9:110");
}

TEST(DiscoveryTest, AHostThatCannotBeAskedForIsWhereItWasAndOneThatIsGoneIsNot) {
  DiscoveryBench bench(4, DiscoveryBench::ByService());
  bench.resolver.SetService(
      "_pop3._tcp.mail.svc",
      {{.host = "m0", .port = 110}, {.host = "m1", .port = 110}, {.host = "m2", .port = 110}});
  for (const char* host : {"m0", "m1", "m2"}) bench.resolver.SetHost(host, {"10.0.0.1"});
  bench.Start();
  bench.resolver.Fail("m0", Kind::kFailed);
  bench.resolver.Fail("m1", Kind::kNotFound);
  bench.RunFor(seconds(12));
  EXPECT_THAT(bench.Present(), ElementsAre("m0", "m2"));
  EXPECT_EQ(bench.status().failed, 0u);
  for (const char* host : {"m0", "m2"}) bench.resolver.Fail(host, Kind::kNotFound);
  bench.RunFor(seconds(30));
  EXPECT_THAT(bench.Present(), ElementsAre("m0", "m2"));  // all gone: as an empty answer
  EXPECT_GT(bench.status().not_found, 0u);
}

TEST(DiscoveryTest, AFewHostsThatCannotBeAskedForAreEnoughForARound) {
  DiscoveryBench bench(16, DiscoveryBench::ByService());
  std::vector<io::ServiceTarget> targets;
  for (int i = 0; i < 10; ++i) targets.push_back({.host = "m" + std::to_string(i), .port = 110});
  bench.resolver.SetService("_pop3._tcp.mail.svc", targets);
  for (const auto& target : targets) bench.resolver.SetHost(target.host, {"10.0.0.1"});
  bench.Start();
  EXPECT_EQ(bench.host.nodes.size(), 10u);
  for (const auto& target : targets) bench.resolver.Fail(target.host, Kind::kFailed);
  bench.resolver.asked.clear();
  bench.RunFor(seconds(11));
  EXPECT_EQ(bench.resolver.asked.size(), 1u + Discovery::kFailedHostsMax);
  EXPECT_EQ(bench.host.nodes.size(), 10u);
}

TEST(DiscoveryTest, WeightsFollowTheRecords) {
  DiscoveryBench bench(4, DiscoveryBench::ByService());
  bench.resolver.SetHost("m0", {"10.0.0.1"});
  bench.resolver.SetService("_pop3._tcp.mail.svc", {{.host = "m0", .port = 110, .weight = 5}});
  bench.Start();
  bench.resolver.SetService("_pop3._tcp.mail.svc", {{.host = "m0", .port = 110, .weight = 7}});
  bench.RunFor(seconds(12));
  EXPECT_EQ(bench.host.nodes[0].node.weight, 7u);
  EXPECT_EQ(bench.health().Status({})[0].weight, 7u);
}

TEST(DiscoveryTest, StopsQuietlyWithItsResolver) {
  DiscoveryBench bench;
  bench.resolver.SetHost("mail.svc", {"10.0.0.1"});
  bench.Start();
  bench.resolver.Stop();
  bench.RunFor(minutes(2));
  EXPECT_TRUE(bench.host.log.empty());
  EXPECT_EQ(bench.Present(), Names{"10.0.0.1"});
}

}  // namespace
}  // namespace poplar::upstream
