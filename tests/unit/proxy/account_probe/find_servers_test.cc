#include "proxy/account_probe/find_servers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "proxy/account_probe/limits.h"
#include "proxy/io/task_scope.h"
#include "tests/simulation/network.h"
#include "tests/simulation/sim_proactor.h"
#include "tests/unit/proxy/upstream/scripted_resolver.h"

namespace poplar::account_probe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = io::ResolveError::Kind;

class FindServersTest : public testing::Test {
 protected:
  FindServersTest() { resolver.Fail("_pop3s._tcp.example.org", Kind::kNotFound); }

  FoundServers Find(const Target& target) {
    std::optional<FoundServers> found;
    scope_.Spawn(FindTask(target, &found));
    EXPECT_TRUE(world_.RunUntil([&found] { return found.has_value(); }, std::chrono::hours(1)));
    return found.value_or(FoundServers{});
  }
  static std::vector<std::string> Text(const FoundServers& found) {
    std::vector<std::string> all;
    for (const Server& each : found.servers) all.push_back(each.host + "=" + each.address.Text());
    return all;
  }

  upstream::ScriptedResolver resolver;

 private:
  io::Task<void> FindTask(Target target, std::optional<FoundServers>* found) {
    found->emplace(co_await FindServers(proactor_, resolver, target, "_pop3s._tcp", 995, shown_));
  }

  ShownText shown_;
  simulation::World world_{7};
  simulation::Network network_{world_, {}};
  simulation::SimProactor proactor_{network_, "probe", *io::Address::Parse("192.0.2.1", 0)};
  io::TaskScope scope_{proactor_.ready()};
};

TEST_F(FindServersTest, AnAddressIsItsOwnAnswer) {
  for (const auto& [host, text] : {std::pair{"192.0.2.10", "192.0.2.10=192.0.2.10:995"},
                                   {"2001:db8::1", "2001:db8::1=[2001:db8::1]:995"}}) {
    const FoundServers found = Find({.host = host});
    EXPECT_THAT(Text(found), ElementsAre(text));
    EXPECT_EQ(found.step.outcome, Outcome::kSkipped);
  }
  EXPECT_THAT(resolver.asked, IsEmpty());
}

TEST_F(FindServersTest, APortLeavesTheServiceRecordOut) {
  resolver.SetHost("example.org", {"192.0.2.10"});
  EXPECT_THAT(Text(Find({.host = "example.org", .port = 1995})),
              ElementsAre("example.org=192.0.2.10:1995"));
  EXPECT_THAT(resolver.asked, ElementsAre("example.org"));
}

TEST_F(FindServersTest, WithoutAServiceRecordItIsTheHost) {
  resolver.SetHost("example.org", {"2001:db8::1", "192.0.2.11", "192.0.2.10"});
  const FoundServers found = Find({.host = "example.org"});
  EXPECT_THAT(Text(found), ElementsAre("example.org=192.0.2.10:995", "example.org=192.0.2.11:995",
                                       "example.org=[2001:db8::1]:995"));
  EXPECT_EQ(found.step.outcome, Outcome::kPassed);
  EXPECT_THAT(found.step.detail, HasSubstr("no SRV record _pop3s._tcp.example.org"));
}

TEST_F(FindServersTest, ServiceRecordsCountByPriorityAndWeight) {
  resolver.SetService("_pop3s._tcp.example.org", {{"c.example.org", 3995, 20, 90},
                                                  {"a.example.org", 1995, 10, 5},
                                                  {"b.example.org", 2995, 10, 50}});
  for (const char* host : {"a.example.org", "b.example.org", "c.example.org"})
    resolver.SetHost(host, {"192.0.2.10"});
  EXPECT_THAT(Text(Find({.host = "example.org"})),
              ElementsAre("b.example.org=192.0.2.10:2995", "a.example.org=192.0.2.10:1995",
                          "c.example.org=192.0.2.10:3995"));
}

TEST_F(FindServersTest, ATargetWithoutAddressesIsAWarning) {
  resolver.SetService("_pop3s._tcp.example.org",
                      {{"a.example.org", 995, 10, 5}, {"b.example.org", 995, 20, 5}});
  resolver.SetHost("b.example.org", {"192.0.2.10"});
  const FoundServers found = Find({.host = "example.org"});
  EXPECT_THAT(Text(found), ElementsAre("b.example.org=192.0.2.10:995"));
  EXPECT_EQ(found.step.outcome, Outcome::kWarned);
  EXPECT_EQ(found.step.findings[0].fault, Fault::kNameUnknown);
}

TEST_F(FindServersTest, AServiceThatCannotBeAskedIsAWarning) {
  resolver.Fail("_pop3s._tcp.example.org", Kind::kFailed);
  resolver.SetHost("example.org", {"192.0.2.10"});
  const FoundServers found = Find({.host = "example.org"});
  EXPECT_EQ(found.servers.size(), 1u);
  EXPECT_EQ(found.step.outcome, Outcome::kWarned);
  EXPECT_EQ(found.step.findings[0].fault, Fault::kServiceUnanswered);
}

TEST_F(FindServersTest, SaysWhyNothingWasFound) {
  const std::pair<Kind, Fault> kinds[] = {{Kind::kNotFound, Fault::kNameUnknown},
                                          {Kind::kFailed, Fault::kNameServerSilent},
                                          {Kind::kStopped, Fault::kNameServerSilent}};
  for (const auto& [kind, fault] : kinds) {
    resolver.Fail("example.org", kind);
    const FoundServers found = Find({.host = "example.org", .port = 995});
    EXPECT_EQ(found.step.outcome, Outcome::kFailed);
    ASSERT_EQ(found.step.findings.size(), 1u);
    EXPECT_EQ(found.step.findings[0].fault, fault);
  }
}

TEST_F(FindServersTest, TriesSoManyAndNoMore) {
  std::vector<std::string> many;
  for (int i = 1; i <= 100; ++i) many.push_back("192.0.2." + std::to_string(i));
  resolver.SetHost("example.org", many);
  EXPECT_EQ(Find({.host = "example.org", .port = 995}).servers.size(), kAddressesTriedMax);
  std::vector<io::ServiceTarget> targets;
  for (uint16_t i = 1; i <= 100; ++i)
    targets.push_back({"h" + std::to_string(i) + ".example.org", 995, i, 1});
  resolver.SetService("_pop3s._tcp.example.org", targets);
  resolver.asked.clear();
  Find({.host = "example.org"});
  EXPECT_LE(resolver.asked.size(), 2 + kTargetsTriedMax);
}

TEST_F(FindServersTest, HalfAnAnswerIsTold) {
  resolver.SetHost("example.org", {"192.0.2.10"});
  resolver.SetHalf("example.org");
  EXPECT_THAT(Find({.host = "example.org", .port = 995}).step.detail, HasSubstr("has failed"));
}

}  // namespace
}  // namespace poplar::account_probe
