#include "proxy/config/check_routing.h"

#include <gtest/gtest.h>

#include <string>

#include "proxy/config/read.h"

namespace poplar::config {
namespace {

// Every problem as "path: message", in lines.
std::string Problems(const std::string& more) {
  const std::string text =
      "listeners:\n  - {name: pop3s, address: \"[::]:995\"}\n"
      "clusters:\n  - {name: mail, nodes: [{name: a, address: \"a:110\"}]}\n" +
      more;
  const ReadResult read = Read({"poplar.yaml", text});
  EXPECT_TRUE(read.problems.empty()) << read.problems[0].message;
  Findings findings(read.positions);
  CheckRouting(read.config, findings);
  std::string lines;
  for (const Problem& problem : findings.Take())
    lines += problem.path + ": " + problem.message + "\n";
  return lines;
}

TEST(CheckRouting, TakesWhatIsRight) {
  EXPECT_EQ(Problems(R"(
user_names:
  case: keep
  default_domain: example.org
  server_names: [{name: pop.example.com, default_domain: example.com}]
  master_separator: "*"
  detail_separator: "+"
  domain_aliases: [{domain: example.net, same_as: example.org}]
directories: [{name: auth, http: {urls: ["http://127.0.0.1/"]}}]
routes:
  - {name: a, domains: [example.org, .example.org], users: "[a-m].*", cluster: mail}
  - {name: b, server_names: [pop.example.com], listeners: [pop3s], directory: auth}
  - {name: c, user_map: /users.map}
  - {name: d, cluster: mail}
)"),
            "");
}

TEST(CheckRouting, ReportsEachMistake) {
  struct Case {
    std::string text, problems;
  };
  const Case cases[] = {
      {"user_names: {default_domain: \"@example.org\"}",
       "user_names.default_domain: \"@example.org\" is not a domain\n"},
      {"user_names: {server_names: [{name: \"a b\", default_domain: example.org}]}",
       "user_names.server_names[0].name: \"a b\" is not a domain\n"},
      {"user_names: {domain_aliases: [{domain: a.b, same_as: -x-}]}",
       "user_names.domain_aliases[0].same_as: \"-x-\" is not a domain\n"},
      {"user_names: {master_separator: \"@\"}",
       "user_names.master_separator: \"@\" is no separator\n"},
      {"user_names: {detail_separator: \" \"}",
       "user_names.detail_separator: \" \" is no separator\n"},
      {"routes: [{name: a}]", "routes[0]: the route leads nowhere\n"},
      {"routes: [{name: a, cluster: mail, user_map: /m}]",
       "routes[0]: the route leads to more than one\n"},
      {"routes: [{name: a, cluster: mial}]", "routes[0].cluster: unknown cluster \"mial\"\n"},
      {"routes: [{name: a, directory: auth}]", "routes[0].directory: unknown directory \"auth\"\n"},
      {"routes: [{name: a, listeners: [pop3], cluster: mail}]",
       "routes[0].listeners: unknown listener \"pop3\"\n"},
      {"routes: [{name: a, domains: [\"*.b\"], cluster: mail}]",
       "routes[0].domains: \"*.b\" is not a domain\n"},
      {"routes: [{name: a, users: \"(\", cluster: mail}]",
       "routes[0].users: \"(\" is no regular expression: missing ): (\n"},
      {"routes: [{name: a, cluster: mail}, {name: b, cluster: mail, domains: [a.b]}]",
       "routes[0]: takes everybody: the routes behind it are never reached\n"},
  };
  for (const Case& c : cases) EXPECT_EQ(Problems(c.text), c.problems) << c.text;
}

// Two more clusters, one of them without affinity.
std::string MoveProblems(const std::string& moves) {
  const std::string text =
      "listeners:\n  - {name: pop3s, address: \"[::]:995\"}\n"
      "clusters:\n"
      "  - {name: old, nodes: [{name: a, address: \"a:110\"}]}\n"
      "  - {name: new, nodes: [{name: b, address: \"b:110\"}]}\n"
      "  - {name: any, affinity: none, shared_storage: yes, nodes: [{name: c, address: \"c:1\"}]}\n"
      "moves: [" +
      moves + "]\n";
  const ReadResult read = Read({"poplar.yaml", text});
  Findings findings(read.positions);
  CheckRouting(read.config, findings);
  std::string lines;
  for (const Problem& problem : findings.Take())
    lines += problem.path + ": " + problem.message + "\n";
  return lines;
}

TEST(CheckRouting, TakesMoves) {
  EXPECT_EQ(MoveProblems("{name: a, from: old, to: new, percent: 2.5, users: [anna], domains: "
                         "[example.org, .example.org]}, {name: b, from: old, to: new}"),
            "");
}

TEST(CheckRouting, ReportsEachMistakeOfAMove) {
  struct Case {
    std::string moves, problems;
  };
  const Case cases[] = {
      {"{name: a, from: odl, to: new}", "moves[0].from: unknown cluster \"odl\"\n"},
      {"{name: a, from: old, to: nwe}", "moves[0].to: unknown cluster \"nwe\"\n"},
      {"{name: a, from: old, to: old}", "moves[0].to: the move leads from \"old\" to itself\n"},
      {"{name: a, from: old, to: any}",
       "moves[0].to: \"any\" has affinity: none: nobody knows who has a session there, so logins "
       "don't wait for sessions to end\n"},
      {"{name: a, from: old, to: new, domains: [\"@x\"]}",
       "moves[0].domains: \"@x\" is not a domain\n"},
      {"{name: a, from: old, to: new, users: [\"\"]}", "moves[0].users: \"\" is not a user\n"},
      {"{name: a, from: old, to: new}, {name: b, from: old, to: new, users: [x]}",
       "moves[1]: means nobody: \"a\", ahead of it, means everybody in \"old\"\n"},
      {"{name: a, from: old, to: new, users: [x]}, {name: b, from: new, to: old, users: [y]}",
       "moves[0].from: whom \"b\" moves to \"old\" stay there: nobody is moved on by a second "
       "move\nmoves[1].from: whom \"a\" moves to \"new\" stay there: nobody is moved on by a "
       "second move\n"},
      // The reader has said it already.
      {"{name: a, to: new}", ""},
      {"{name: a, from: old, to: [new]}", ""},
  };
  for (const Case& c : cases) EXPECT_EQ(MoveProblems(c.moves), c.problems) << c.moves;
}

}  // namespace
}  // namespace poplar::config
