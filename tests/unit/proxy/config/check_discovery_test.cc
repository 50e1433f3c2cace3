#include "proxy/config/check_discovery.h"

#include <gtest/gtest.h>

#include <string>

#include "proxy/config/read.h"

namespace poplar::config {
namespace {

std::string Problems(const std::string& cluster) {
  const ReadResult read = Read({"poplar.yaml", "clusters:\n  - {name: mail, " + cluster + "}\n"});
  Findings findings(read.positions);
  CheckDiscovery(read.config.clusters[0], "clusters[0]", findings);
  std::string lines;
  for (const Problem& problem : findings.Take())
    lines += problem.path + ": " + problem.message + "\n";
  return lines;
}

std::string ProblemsOf(const std::string& discovery) {
  return Problems("shared_storage: yes, discovery: " + discovery);
}

TEST(CheckDiscovery, TakesWhatIsRight) {
  EXPECT_EQ(Problems("nodes: [{name: a, address: \"a:110\"}]"), "");
  EXPECT_EQ(ProblemsOf("{dns: \"mail.mail-ns.svc.cluster.local:110\", ttl_min: 1s, ttl_max: 1s, "
                       "max_nodes: 256, family: ipv4, node: {tls: verify, ca_file: /ca.pem}}"),
            "");
  EXPECT_EQ(ProblemsOf("{dns: \"mail.example.org.:110\", name_servers: [192.0.2.53, "
                       "\"127.0.0.1:5353\", \"2001:db8::53\", \"[::1]:53\"]}"),
            "");
  EXPECT_EQ(ProblemsOf("{srv: _pop3s._tcp.mail.example.org}"), "");
}

TEST(CheckDiscovery, ReportsEachMistake) {
  struct Case {
    std::string discovery, problems;
  };
  const std::string at = "clusters[0].discovery";
  const Case cases[] = {
      {"{}", at + ": there is nothing to ask for\n"},
      {"{max_nodes: 8}", at + ": there is nothing to ask for\n"},
      {"{dns: \"a:110\", srv: b}", at + ".srv: dns asks for the nodes already\n"},
      {"{dns: a}", at + ".dns: \"a\" has no port\n"},
      {"{dns: \"a:0\"}", at + ".dns: \"a:0\" cannot be connected to\n"},
      {"{dns: \"192.0.2.1:110\"}",
       at + ".dns: \"192.0.2.1\" is an address: there is nothing to ask for\n"},
      {"{srv: \"_pop3._tcp.a:110\"}", at + ".srv: \"_pop3._tcp.a:110\" is no name of a service\n"},
      {"{srv: a, name_servers: [ns.example.org, \"192.0.2.1:0\"]}",
       at + ".name_servers: \"ns.example.org\" is no name server\n" + at +
           ".name_servers: \"192.0.2.1:0\" is no name server\n"},
      {"{srv: a, ttl_min: 10s, ttl_max: 5s}", at + ".ttl_max: 5s is less than ttl_min (10s)\n"},
      {"{srv: a, node: {ca_file: /ca}}", at + ".node.ca_file: has no effect without tls: verify\n"},
  };
  for (const Case& c : cases) EXPECT_EQ(ProblemsOf(c.discovery), c.problems) << c.discovery;
}

TEST(CheckDiscovery, FitsTheRestOfTheCluster) {
  EXPECT_EQ(Problems("discovery: {srv: a}"),
            "clusters[0].discovery: users of a node that leaves would find an empty mailbox at "
            "another, as shared_storage is no\n");
  EXPECT_EQ(Problems("shared_storage: yes, nodes: [{name: n, address: \"n:1\"}], "
                     "discovery: {srv: a}"),
            "clusters[0].discovery: the cluster has a list of nodes (line 2)\n");
}

}  // namespace
}  // namespace poplar::config
