#include "balancer/route_table.h"

#include <gtest/gtest.h>

namespace poplar::balancer {
namespace {

std::shared_ptr<const RouteTable> Table(std::vector<RouteRule> rules) {
  auto table = RouteTable::Build(std::move(rules));
  EXPECT_TRUE(table) << table.error().text;
  return *table;
}

bool Holds(RouteRule rule, const RouteQuery& query) {
  rule.name = "it";
  return Table({std::move(rule)})->Match(query) == 0;
}

TEST(RouteTableTest, EachConditionHoldsForItsUsersOnly) {
  struct Case {
    RouteRule rule;
    RouteQuery query;
    bool holds;
  };
  const Case cases[] = {
      {{}, {"anna"}, true},
      {{.domains = {"example.org"}}, {"anna@example.org"}, true},
      {{.domains = {"Example.ORG"}}, {"anna@example.org"}, true},
      {{.domains = {"example.com", "example.org"}}, {"anna@example.org"}, true},
      {{.domains = {"example.org"}}, {"anna@mail.example.org"}, false},
      {{.domains = {"example.org"}}, {"anna@badexample.org"}, false},
      {{.domains = {"example.org"}}, {"anna"}, false},
      {{.domains = {"example.org"}}, {"example.org"}, false},
      {{.domains = {".example.org"}}, {"anna@mail.example.org"}, true},
      {{.domains = {".example.org"}}, {"anna@example.org"}, false},
      {{.domains = {"example.org"}}, {"a@b@example.org"}, true},
      {{.users = "[a-m].*@example\\.org"}, {"anna@example.org"}, true},
      {{.users = "[a-m].*@example\\.org"}, {"zoe@example.org"}, false},
      {{.users = "anna"}, {"anna@example.org"}, false},  // the whole name
      {{.users = "anna|bob"}, {"bobby"}, false},
      {{.users = ".*\xff.*"}, {"a\xff\x80"}, true},  // bytes
      {{.server_names = {"Pop.example.org"}}, {"anna", "POP.EXAMPLE.ORG"}, true},
      {{.server_names = {"pop.example.org"}}, {"anna", "pop.example.or"}, false},
      {{.server_names = {"pop.example.org"}}, {"anna", ""}, false},
      {{.listeners = {1, 3}}, {"anna", "", 3}, true},
      {{.listeners = {1, 3}}, {"anna", "", 2}, false},
      {{.domains = {"a"}, .users = "x.*"}, {"x@a"}, true},
      {{.domains = {"a"}, .users = "x.*"}, {"y@a"}, false},
      {{.domains = {"a"}, .users = "x.*"}, {"x@b"}, false},
  };
  for (const Case& c : cases) EXPECT_EQ(Holds(c.rule, c.query), c.holds) << c.query.user;
}

TEST(RouteTableTest, TheFirstRuleWinsAndTheSearchGoesOnFromAnyOfThem) {
  const auto table = Table({{.name = "a", .domains = {"x"}},
                            {.name = "b", .users = "anna@.*"},
                            {.name = "c"},
                            {.name = "d"}});
  EXPECT_EQ(table->Match({"anna@x"}), 0u);
  EXPECT_EQ(table->Match({"anna@x"}, 1), 1u);
  EXPECT_EQ(table->Match({"anna@x"}, 2), 2u);
  EXPECT_EQ(table->Match({"bob@y"}), 2u);
  EXPECT_EQ(table->Match({"bob@y"}, 4), table->size());
  EXPECT_EQ(table->name(1), "b");
}

TEST(RouteTableTest, NoRulesHoldForNobody) {
  const auto table = Table({});
  EXPECT_EQ(table->Match({"anna"}), table->size());
}

TEST(RouteTableTest, RefusesWhatIsNoExpressionAndWhatWouldTakeTheMachine) {
  for (const char* bad : {"(", "[z-a]", "a{1001}", "((a{100}){100}){100}", "(?P<n"}) {
    const auto table = RouteTable::Build({{.name = "fine"}, {.name = "bad", .users = bad}});
    ASSERT_FALSE(table) << bad;
    EXPECT_EQ(table.error().rule, 1u);
    EXPECT_FALSE(table.error().text.empty());
    EXPECT_EQ(RouteTable::WhyInvalid(bad), table.error().text);
  }
  EXPECT_EQ(RouteTable::WhyInvalid("[a-m].*"), "");
}

// Expressions that others' matchers need exponential time for.
TEST(RouteTableTest, TimeIsLinearWhateverTheExpression) {
  const auto table = Table({{.name = "x", .users = "(a+)+b"}});
  EXPECT_EQ(table->Match({std::string(500, 'a')}), table->size());
}

}  // namespace
}  // namespace poplar::balancer
