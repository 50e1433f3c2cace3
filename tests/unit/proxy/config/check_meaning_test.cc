#include <gtest/gtest.h>

#include <string>

#include "proxy/config/check.h"
#include "proxy/config/read.h"

namespace poplar::config {
namespace {

constexpr char kGood[] = R"(
listeners:
  - {name: pop3s, address: "[::]:995"}
tls: {certificates: [{certificate: a.pem}]}
clusters:
  - name: mail
    nodes:
      - {name: a, address: "a.example:110"}
      - {name: b, address: "b.example:110"}
)";

// "line:column severity path: message" for each problem, one a line.
std::string CheckText(const std::string& text) {
  const ReadResult read = Read({"poplar.yaml", text});
  EXPECT_TRUE(read.problems.empty())
      << text << read.problems[0].path << ": " << read.problems[0].message;
  std::string shown;
  for (const Problem& p : CheckMeaning(read.config, read.positions)) {
    shown += std::to_string(p.at.line) + ":" + std::to_string(p.at.column) +
             (p.severity == Severity::kError ? " error " : " warning ") + p.path + ": " +
             p.message + "\n";
  }
  return shown;
}

// kGood with one part replaced.
std::string With(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(CheckMeaning, AGoodConfigurationHasNoProblem) { EXPECT_EQ(CheckText(kGood), ""); }

struct Case {
  std::string text;
  std::string problems;
};

TEST(CheckMeaning, ReportsEachMistakeOfAListener) {
  const std::string listener = R"(  - {name: pop3s, address: "[::]:995"})";
  const Case kCases[] = {
      {With(listener, "[]"), "2:1 error listeners: there is no listener\n"},
      {With(listener, listener + "\n" + R"(  - {name: pop3s, address: "[::]:1995"})"),
       "4:12 error listeners[1].name: duplicate listener name \"pop3s\": listeners[0] (line 3) has "
       "it already\n"},
      {With(listener, listener + "\n" + R"(  - {name: b, address: "0.0.0.0:995"})"),
       "4:24 error listeners[1].address: port 995 is used twice: listeners[0].address (line 3) "
       "listens there already\n"},
      {With("995\"", "995\", cluster: mial"),
       "3:49 error listeners[0].cluster: unknown cluster \"mial\"\n"},
      {With("995\"", "995\", cluster: mail"), ""},
      {With("[::]:995", "localhost:995"),
       "3:28 error listeners[0].address: \"localhost\" is not an IP address\n"},
      {With("[::]:995", "[::]"), "3:28 error listeners[0].address: \"[::]\" has no port\n"},
      {With("pop3s", "\"pop 3\""), "3:12 error listeners[0].name: \"pop 3\" is not a name\n"},
      {With("pop3s", std::string(65, 'n')),
       "3:12 error listeners[0].name: \"" + std::string(64, 'n') + "...\" is not a name\n"},
      {With("pop3s", std::string(64, 'n')), ""},
      {With("995\"", "995\", tls: none"),
       "3:45 error listeners[0].tls: with tls: none passwords cross the network in the clear\n"},
      {With("995\"", "995\", tls: none, require_tls: yes"),
       "3:45 error listeners[0].tls: with tls: none passwords cross the network in the clear\n"},
      {With("995\"", "995\", tls: none, require_tls: no"), ""},
      {With("995\"", "995\", require_tls: no"),
       "3:53 warning listeners[0].require_tls: has no effect with tls: implicit\n"},
      {With("{certificate: a.pem}", ""),
       "3:5 error listeners[0].tls: tls: implicit needs a certificate, and tls.certificates has "
       "none\n"},
  };
  for (const auto& c : kCases) EXPECT_EQ(CheckText(c.text), c.problems) << c.text;
}

TEST(CheckMeaning, ReportsEachMistakeOfAClusterAndOfTheRest) {
  const Case kCases[] = {
      {With("b.example:110", "A.Example:110"),
       "9:28 error clusters[0].nodes[1].address: duplicate node address: "
       "clusters[0].nodes[0].address (line 8) is the "
       "same node\n"},
      {With("name: b", "name: a"),
       "9:16 error clusters[0].nodes[1].name: duplicate node name \"a\": clusters[0].nodes[0] "
       "(line 8) has it already\n"},
      {With("b.example:110", "b.example"),
       "9:28 error clusters[0].nodes[1].address: \"b.example\" has no port\n"},
      {With("b.example:110", "b.example:0"),
       "9:28 error clusters[0].nodes[1].address: \"b.example:0\" cannot be connected to\n"},
      {With("b.example:110", "0.0.0.0:110"),
       "9:28 error clusters[0].nodes[1].address: \"0.0.0.0:110\" cannot be connected to\n"},
      {With("b.example:110\"", "b.example:110\", ca_file: x"),
       "9:54 warning clusters[0].nodes[1].ca_file: has no effect without tls: verify\n"},
      {With("b.example:110\"", "b.example:110\", tls: insecure, ca_file: x"),
       "9:69 warning clusters[0].nodes[1].ca_file: has no effect without tls: verify\n"},
      {With("b.example:110\"", "b.example:110\", tls: verify, ca_file: x, host_name: \"::1\""), ""},
      {With("b.example:110\"", "b.example:110\", host_name: c.example"),
       "9:56 warning clusters[0].nodes[1].host_name: has no effect with tls: none\n"},
      {With("b.example:110\"", "b.example:110\", tls: verify, host_name: \"c:110\""),
       "9:69 error clusters[0].nodes[1].host_name: \"c:110\" is not a host name\n"},
      {With("b.example:110\"", "b.example:110\", tls_start: stls"),
       "9:56 error clusters[0].nodes[1].tls_start: tls_start: stls with tls: none starts "
       "nothing\n"},
      {With("b.example:110\"", "b.example:110\", tls: insecure, tls_start: stls"), ""},
      {With("b.example:110\"", "b.example:110\", client_certificate: x"),
       "9:65 warning clusters[0].nodes[1].client_certificate: has no effect with tls: none\n"},
      {With("b.example:110\"", "b.example:110\", tls: verify, client_key: x"),
       "9:70 error clusters[0].nodes[1].client_key: there is a key, but no client_certificate\n"},
      {With("b.example:110\"",
            "b.example:110\", tls: verify, client_certificate: x, client_key: y"),
       ""},
      {With("b.example:110\"", "b.example:110\", proxy_protocol: v2, xclient: off"), ""},
      {With("  - name: mail", "  - name: mail\n    master_user: {name: m}"),
       "7:25 error clusters[0].master_user.name: the master user has no password\n"},
      {With("  - name: mail", "  - name: mail\n    master_user: {password_file: p}"),
       "7:34 error clusters[0].master_user.password_file: a password, but of no master user\n"},
      {With("  - name: mail", "  - name: mail\n    master_user: {name: m, password_file: p}"), ""},
      {With("  - name: mail", "  - name: mail\n    master_user: {name: \"m m\", password_file: p}"),
       "7:25 error clusters[0].master_user.name: \"m m\" is not a user's name\n"},
      {With("  - name: mail", "  - name: mail\n    master_user: {separator: \"* \"}"),
       "7:30 error clusters[0].master_user.separator: \"* \" is no separator\n"},
      {With("  - name: mail", "  - name: mail\n    master_user: {separator: \"\"}"), ""},
      {With("  - name: mail", "  - {name: mail, nodes: []}\n  - name: mail"),
       "7:11 error clusters[1].name: duplicate cluster name \"mail\": clusters[0] (line 6) has it "
       "already\n"
       "6:18 error clusters[0].nodes: the cluster has no node\n"},
      {With("clusters:", "timeouts: {client_idle: 599s}\nclusters:"),
       "5:25 warning timeouts.client_idle: 599s is less than RFC 1939 allows\n"},
      {With("clusters:", "timeouts: {client_idle: 10m}\nclusters:"), ""},
      {With("clusters:", "user_names: {default_domain: \"@example.org\"}\nclusters:"),
       "5:30 error user_names.default_domain: \"@example.org\" is not a domain\n"},
      {With("clusters:", "log: {output: sdterr}\nclusters:"),
       "5:15 error log.output: \"sdterr\" is not an output\n"},
      {With("clusters:", "log: {output: /var/log/poplar.log}\nclusters:"), ""},
      {With("clusters:", "admin: {address: \"127.0.0.1:995\"}\nclusters:"),
       "5:18 error admin.address: port 995 is used twice: listeners[0].address (line 3) listens "
       "there already\n"},
      {With("clusters:", "admin: {enabled: no, address: \"127.0.0.1:995\"}\nclusters:"), ""},
      {With("clusters:", "admin: {address: \"host:995\"}\nclusters:"),
       "5:18 error admin.address: \"host\" is not an IP address\n"},
  };
  for (const auto& c : kCases) EXPECT_EQ(CheckText(c.text), c.problems) << c.text;
}

TEST(CheckMeaning, TwoClustersMayShareNodeNamesAndAddresses) {
  EXPECT_EQ(CheckText(std::string(kGood) +
                      "  - name: other\n    nodes: [{name: a, address: \"a.example:110\"}]\n"),
            "");
}

TEST(CheckMeaning, NoClusterIsAnErrorEvenWhenTheListIsEmpty) {
  EXPECT_EQ(CheckText("listeners: [{name: a, address: \"1.2.3.4:1\"}]\ntls: {certificates: "
                      "[{certificate: a}]}\n"
                      "clusters:\n"),
            "3:1 error clusters: there is no cluster\n");
}

// What Read could not take must not be blamed a second time through its default.
TEST(CheckMeaning, PassesOverWhatWasNotRead) {
  for (const char* text : {
           "listners: []\nclusters: 5\n",
           "listeners: [{name: a, adress: \"1.2.3.4:1\", tsl: none}]\nclusters: [x]\ntls: 3\n",
           "listeners: [{name: a, address: [], tls: nine, cluster: b}]\nclusters: [{nmae: b, "
           "nodes: [x, {}]}]\n",
           "admin: {address: [5]}\nlisteners: [x]\nclusters: {}\n",
       }) {
    const ReadResult read = Read({"poplar.yaml", text});
    EXPECT_TRUE(read.complete);
    EXPECT_FALSE(read.problems.empty());
    for (const Problem& p : CheckMeaning(read.config, read.positions))
      ADD_FAILURE() << p.path << ": " << p.message;
  }
}

TEST(CheckMeaning, SuggestsTheCluster) {
  const ReadResult read = Read({"poplar.yaml", With("995\"", "995\", cluster: mial")});
  const Problems problems = CheckMeaning(read.config, read.positions);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].suggestion, "mail");
}

}  // namespace
}  // namespace poplar::config
