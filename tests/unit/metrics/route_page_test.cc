#include "metrics/route_page.h"

#include <gtest/gtest.h>

namespace poplar::metrics {
namespace {

TEST(RouteAsJsonTest, SaysAll) {
  const RouteView route{
      .login = "Anna",
      .canonical = "anna@example.org",
      .rule = "by-map",
      .directories = {"auth"},
      .passed = {"route first: not in users.map"},
      .cluster = "new",
      .node = "n1",
      .node_login = "a4711",
      .move = {{.name = "away",
                .from = "old",
                .to = "new",
                .permille = 25,
                .place = 7,
                .is_moved = true}},
      .running = true,
      .asked = "mail.svc names 1 node",
      .session_cluster = "old",
      .session_node = "n9",
      .choices = {
          {.name = "n1",
           .address = "10.0.0.1:110",
           .weight = 100,
           .state = "up",
           .cost = 5,
           .score = 1.5,
           .reason = "home",
           .now = {
               {.in_service = false, .state = "down", .admin_state = "up", .evidence = "gone"}}}}};
  const std::string whole =
      R"({"user":"Anna","canonical":"anna@example.org","route":"by-map","asks_first":["auth"],)"
      R"("cluster":"new","node":"n1","login":"a4711","move":{"name":"away","from":"old",)"
      R"("to":"new","percent":2.5,"moved_above":0.7,"moved":true},"running":true,)"
      R"("asked_now":"mail.svc names 1 node","session_cluster":"old","session_node":"n9",)"
      R"("passed":["route first: not in users.map"],"nodes":[{"name":"n1",)"
      R"("address":"10.0.0.1:110","weight":100,"state":"up","cost":5,"score":1.5,)"
      R"("reason":"home","now":{"in_service":false,"state":"down","admin_state":"up",)"
      R"("evidence":"gone"}}]})";
  EXPECT_EQ(RouteAsJson(route, Unknown::kLeftOut), whole);
  EXPECT_EQ(RouteAsJson(route, Unknown::kNull), whole);
}

TEST(RouteAsJsonTest, WhatIsUnknownIsNullOrLeftOut) {
  const RouteView route{
      .login = "a", .canonical = "a", .cluster = "c", .choices = {{.name = "n", .state = "up"}}};
  EXPECT_EQ(RouteAsJson(route, Unknown::kLeftOut),
            R"({"user":"a","canonical":"a","asks_first":[],"cluster":"c","running":false,)"
            R"("nodes":[{"name":"n","address":"","weight":0,"state":"up","cost":0,"score":0,)"
            R"("reason":""}]})");
  EXPECT_EQ(RouteAsJson(route, Unknown::kNull),
            R"({"user":"a","canonical":"a","route":null,"asks_first":[],"cluster":"c",)"
            R"("node":null,"login":null,"move":null,"running":false,"asked_now":null,)"
            R"("nodes":[{"name":"n","address":"","weight":0,"state":"up","cost":0,"score":0,)"
            R"("reason":"","now":null}]})");
}

}  // namespace
}  // namespace poplar::metrics
