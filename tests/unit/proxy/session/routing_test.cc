#include "proxy/session/routing.h"

#include <gtest/gtest.h>

#include <string>

namespace poplar::session {
namespace {

using balancer::ClusterId;
using balancer::NodeId;
using Fault = Routing::PlaceFault;

Whereabouts Node(uint32_t node, uint32_t cluster = 0) { return {ClusterId{cluster}, NodeId{node}}; }

std::string Found(const Routing& routing, const std::string& name) {
  const auto place = routing.FindPlace(name);
  if (!place) return place.error() == Fault::kUnknown ? "unknown" : "ambiguous";
  std::string text = std::to_string(static_cast<uint32_t>(place->cluster));
  return place->node ? text + "/" + std::to_string(static_cast<uint32_t>(*place->node)) : text;
}

Routing Places() {
  Routing routing;
  routing.places = {{"mail", {ClusterId{0}}},
                    {"mail/a", Node(1)},
                    {"mail-1.example.org:110", Node(1)},
                    {"[2001:db8::1]:110", Node(2)}};
  routing.AddHost("Mail-1.example.org", Node(1));
  routing.AddHost("192.0.2.1", Node(1));
  routing.AddHost("2001:db8::1", Node(2));
  return routing;
}

TEST(Routing, FindsPlacesByName) {
  const Routing routing = Places();
  EXPECT_EQ(Found(routing, "MAIL"), "0");
  EXPECT_EQ(Found(routing, "mail/A"), "0/1");
  EXPECT_EQ(Found(routing, "Mail-1.Example.org:110"), "0/1");
  EXPECT_EQ(Found(routing, "[2001:DB8::1]:110"), "0/2");
  EXPECT_EQ(Found(routing, "mail/b"), "unknown");
  EXPECT_EQ(Found(routing, "mail-1.example.org:111"), "unknown");
  EXPECT_EQ(Found(routing, ""), "unknown");
}

TEST(Routing, FindsTheOnlyNodeOfAHost) {
  const Routing routing = Places();
  EXPECT_EQ(Found(routing, "MAIL-1.example.org"), "0/1");
  EXPECT_EQ(Found(routing, "192.0.2.1"), "0/1");
  EXPECT_EQ(Found(routing, "2001:db8::1"), "0/2");
  EXPECT_EQ(Found(routing, "[2001:db8::1]"), "0/2");
  EXPECT_EQ(Found(routing, "192.0.2.2"), "unknown");
  EXPECT_EQ(Found(routing, "[]"), "unknown");
}

TEST(Routing, DoesNotGuessWhichOfSeveralNodesIsMeant) {
  Routing routing = Places();
  routing.AddHost("192.0.2.1", Node(1));  // the same one, said twice
  EXPECT_EQ(Found(routing, "192.0.2.1"), "0/1");
  for (const uint32_t node : {2u, 3u, 1u}) {
    routing.AddHost("192.0.2.1", Node(node, 1));
    EXPECT_EQ(Found(routing, "192.0.2.1"), "ambiguous");
  }
  EXPECT_EQ(Found(routing, "mail-1.example.org"), "0/1");
}

TEST(Routing, ANameCountsForMoreThanAHost) {
  Routing routing = Places();
  routing.AddHost("mail", Node(2));
  EXPECT_EQ(Found(routing, "mail"), "0");
}

}  // namespace
}  // namespace poplar::session
