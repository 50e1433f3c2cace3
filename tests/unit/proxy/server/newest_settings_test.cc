#include "proxy/server/newest_settings.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace poplar::server {
namespace {

using balancer::ClusterId;
using balancer::NodeId;
using upstream::DiscoveredNode;

constexpr ClusterId kPods{1};

std::shared_ptr<session::Settings> First() {
  auto settings = std::make_shared<session::Settings>();
  settings->nodes = *balancer::NodeTable::Build(
      {{.name = "fixed", .shared_storage = true, .nodes = {{.name = "n"}}},
       {.name = "Pods", .shared_storage = true, .nodes = {}, .seats = 3}});
  settings->routing.places["fixed/n"] = {ClusterId{0}, NodeId{0}};
  settings->bad_commands_max = 17;
  return settings;
}

DiscoveredNode At(const std::string& name, uint32_t seat, const std::string& address,
                  const std::string& host = {}) {
  return {.node = {name, 100, seat}, .address = *io::Address::Parse(address, 110), .host = host};
}

TEST(NewestSettingsTest, AreThoseOfTheStartButForTheNodes) {
  const auto first = First();
  NewestSettings newest(first);
  EXPECT_EQ(newest.Base(), first);
  EXPECT_EQ(newest.Get()->bad_commands_max, 17);
  newest.SetNodes(kPods, {At("m0", 2, "10.0.0.1", "m0.mail.svc"), At("10.0.0.2", 0, "10.0.0.2")});
  const auto now = newest.Get();
  EXPECT_EQ(now->bad_commands_max, 17);
  EXPECT_EQ(now->nodes->FindNode(NodeId{3})->name, "m0");
  EXPECT_EQ(now->nodes->FindNode(NodeId{1})->name, "10.0.0.2");
  EXPECT_EQ(now->nodes->FindNode(NodeId{0})->name, "n");
  EXPECT_EQ(first->nodes->FindNode(NodeId{3}), nullptr);
}

TEST(NewestSettingsTest, PlacesFollow) {
  NewestSettings newest(First());
  newest.SetNodes(kPods, {At("m0", 2, "10.0.0.1", "m0.mail.svc")});
  const session::Routing& routing = newest.Get()->routing;
  for (const char* name :
       {"pods/m0", "PODS/M0", "10.0.0.1:110", "m0.mail.svc:110", "10.0.0.1", "m0.mail.svc"}) {
    const auto place = routing.FindPlace(name);
    ASSERT_TRUE(place) << name;
    EXPECT_EQ(place->cluster, kPods);
    EXPECT_EQ(place->node, NodeId{3});
  }
  EXPECT_TRUE(routing.FindPlace("fixed/n"));
  newest.SetNodes(kPods, {At("m0", 2, "10.0.0.9", "m0.mail.svc")});
  EXPECT_FALSE(newest.Get()->routing.FindPlace("10.0.0.1:110"));
  EXPECT_FALSE(newest.Get()->routing.FindPlace("10.0.0.1"));
  EXPECT_TRUE(newest.Get()->routing.FindPlace("10.0.0.9:110"));
}

TEST(NewestSettingsTest, WorkersAreToldOfEach) {
  NewestSettings newest(First());
  std::vector<std::shared_ptr<const session::Settings>> told;
  newest.OnPublished([&told](const auto&, const auto& settings) { told.push_back(settings); });
  newest.SetNodes(kPods, {At("m0", 0, "10.0.0.1")});
  newest.SetNodes(kPods, {At("m1", 1, "10.0.0.2")});
  ASSERT_EQ(told.size(), 2u);
  EXPECT_NE(told[0], told[1]);
  EXPECT_EQ(told[1], newest.Get());
}

TEST(NewestSettingsTest, AnotherConfigurationKeepsTheNodes) {
  const auto first = First();
  NewestSettings newest(first);
  newest.SetNodes(kPods, {At("m0", 2, "10.0.0.1", "m0.mail.svc")});
  auto second = First();
  second->bad_commands_max = 18;
  second->routing.places.clear();
  std::shared_ptr<const session::Settings> base;
  newest.OnPublished([&base](const auto& told, const auto&) { base = told; });
  newest.SetBase(second);
  EXPECT_EQ(base, second);
  EXPECT_EQ(newest.Base(), second);
  EXPECT_EQ(newest.Get()->bad_commands_max, 18);
  EXPECT_EQ(newest.Get()->nodes->FindNode(NodeId{3})->name, "m0");
  EXPECT_TRUE(newest.Get()->routing.FindPlace("pods/m0"));
  EXPECT_FALSE(newest.Get()->routing.FindPlace("fixed/n"));
}

// As long as a login may still choose the node that had it, a seat can't be another's.
TEST(NewestSettingsTest, KnowsASeatForAsLongAsALoginDoes) {
  NewestSettings newest(First());
  EXPECT_FALSE(newest.Knows(NodeId{1}));
  newest.SetNodes(kPods, {At("m0", 0, "10.0.0.1")});
  EXPECT_TRUE(newest.Knows(NodeId{1}));
  auto login = newest.Get();
  newest.SetNodes(kPods, {At("m1", 1, "10.0.0.2")});
  newest.SetNodes(kPods, {At("m1", 1, "10.0.0.3")});
  EXPECT_TRUE(newest.Knows(NodeId{1}));
  EXPECT_TRUE(newest.Knows(NodeId{2}));
  EXPECT_FALSE(newest.Knows(NodeId{3}));
  login.reset();
  EXPECT_FALSE(newest.Knows(NodeId{1}));
  EXPECT_TRUE(newest.Knows(NodeId{2}));
}

}  // namespace
}  // namespace poplar::server
