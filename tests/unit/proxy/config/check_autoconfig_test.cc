#include "proxy/config/check_autoconfig.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "proxy/config/check.h"
#include "proxy/config/read.h"

namespace poplar::config {
namespace {

// Of the problems, "path: message" each. Where nothing is said of outgoing servers there is a good
// one.
std::string Problems(std::string_view autoconfig,
                     std::string_view listener = "address: \"[::]:995\"",
                     std::string_view tls = "{certificates: [{certificate: a.pem}]}") {
  const std::string text = "listeners: [{name: a, " + std::string(listener) +
                           "}]\ntls: " + std::string(tls) +
                           "\nclusters: [{name: m, nodes: [{name: n, address: \"n:110\"}]}]\n"
                           "autoconfig: {" +
                           std::string(autoconfig) +
                           (autoconfig.empty() || autoconfig.find("outgoing:") != autoconfig.npos
                                ? ""
                                : ", outgoing: [{host: smtp.example.org}]") +
                           "}\n";
  const ReadResult read = Read({"poplar.yaml", text});
  std::string found;
  for (const Problem& problem : read.problems)
    found += problem.path + ": " + problem.message + "\n";
  for (const Problem& problem : CheckMeaning(read.config, read.positions))
    found += problem.path + ": " + problem.message + "\n";
  return found;
}

constexpr std::string_view kGood =
    "listen: [{address: \"[::]:80\"}, {address: \"[::]:443\", tls: yes}], domains: [example.org]";

std::string With(std::string_view more) { return std::string(kGood) + ", " + std::string(more); }

TEST(CheckAutoconfig, TakesWhatIsRight) {
  EXPECT_EQ(Problems(""), "");
  EXPECT_EQ(Problems(kGood), "");
  EXPECT_EQ(Problems(With("server: pop.example.org, display_name: \"M\xc3\xa4il\", user_name: "
                          "local_part, incoming: [{listener: a, port: 995}], "
                          "outgoing: [{host: smtp.example.org, port: 587, security: starttls}]")),
            "");
  EXPECT_EQ(Problems(With("incoming: [{listener: a, port: 995}]"), "address: \"[::]:0\""), "");
  EXPECT_EQ(Problems(With("incoming: [{listener: a}]"),
                     "address: \"[::]:110\", tls: none, require_tls: no"),
            "");
}

TEST(CheckAutoconfig, NamesEachMistake) {
  EXPECT_EQ(Problems("listen: [{address: \"[::]:80\"}]"),
            "autoconfig.domains: it isn't said whose clients are to be told\n");
  EXPECT_EQ(Problems("domains: [\"*\", a_b.org, Example.org, example.ORG, 192.0.2.1]"),
            "autoconfig.domains[0]: \"*\" is no domain of mail addresses\n"
            "autoconfig.domains[1]: \"a_b.org\" is no domain of mail addresses\n"
            "autoconfig.domains[3]: \"example.ORG\" stands there twice\n"
            "autoconfig.domains[4]: \"192.0.2.1\" is no domain of mail addresses\n");
  EXPECT_EQ(Problems(With("server: \"a b\", display_name: \"" + std::string(61, 'a') + "\"")),
            "autoconfig.server: \"a b\" is not a host name\n"
            "autoconfig.display_name: \"" +
                std::string(61, 'a') + "\" can't be shown by all clients\n");
  EXPECT_EQ(Problems(With("outgoing: [{host: \"a:25\"}, {host: b, security: none}, {host: c, "
                          "security: none, login: no}]")),
            "autoconfig.outgoing[0].host: \"a:25\" is not a host name\n"
            "autoconfig.outgoing[1].security: users' passwords cross the network in the clear\n");
  EXPECT_EQ(Problems(With("outgoing: []")),
            "autoconfig.outgoing: Thunderbird and Apple's devices take no settings without an SMTP "
            "server\n");
  EXPECT_EQ(Problems(With("incoming: [{listener: b}]")),
            "autoconfig.incoming[0].listener: unknown listener \"b\"\n");
}

TEST(CheckAutoconfig, KnowsWhereItListens) {
  EXPECT_EQ(Problems("listen: [{address: \"pop:80\"}, {address: \"[::]:995\"}], domains: [b.org]"),
            "autoconfig.listen[0].address: \"pop\" is not an IP address\n"
            "autoconfig.listen[1].address: port 995 is used twice: listeners[0].address (line 1) "
            "listens there already\n");
  EXPECT_EQ(Problems("listen: [{address: \"[::]:443\", tls: yes}], domains: [b.org], "
                     "incoming: [{listener: a}]",
                     "address: \"[::]:110\", tls: none, require_tls: no", "{}"),
            "autoconfig.listen[0].tls: HTTPS needs a certificate, and tls.certificates has none\n");
}

TEST(CheckAutoconfig, WantsAListenerToTellOf) {
  EXPECT_EQ(Problems(kGood, "address: \"[::]:110\", tls: none, require_tls: no"),
            "autoconfig: no listener has TLS, so there is none to tell clients of\n");
  EXPECT_EQ(Problems(kGood, "address: \"[::]:0\""),
            "autoconfig: clients can't be told the port of listener \"a\", which takes any free "
            "one\n");
  EXPECT_EQ(Problems(With("incoming: [{listener: a}]"), "address: \"[::]:0\""),
            "autoconfig.incoming[0].port: clients can't be told the port of listener \"a\", which "
            "takes any free one\n");
}

std::string NameProblems(std::string_view server, const std::vector<std::string>& names) {
  AutoconfigConfig autoconfig;
  autoconfig.domains = {"example.org"};
  autoconfig.server = server;
  const Positions positions;
  Findings findings(positions);
  CheckAutoconfigNames(autoconfig, names, findings);
  std::string found;
  for (const Problem& problem : findings.Take())
    found += problem.path + ": " + problem.message + "\n";
  return found;
}

TEST(CheckAutoconfigNames, WantsANameThatClientsWillBelieve) {
  EXPECT_EQ(NameProblems("", {"pop.example.org"}), "");
  EXPECT_EQ(NameProblems("pop.example.org", {"a", "*.example.org"}), "");
  EXPECT_EQ(NameProblems("pop.example.org", {}), "");
  EXPECT_EQ(NameProblems("", {"*.example.org"}),
            "autoconfig.server: no certificate says by which host name clients reach Poplar\n");
  EXPECT_EQ(NameProblems("pop.example.org", {"mail.example.org"}),
            "autoconfig.server: no certificate has the name \"pop.example.org\", which clients "
            "will be told\n");
}

}  // namespace
}  // namespace poplar::config
