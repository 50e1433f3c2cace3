#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "proxy/config/field.h"
#include "proxy/config/node_config.h"

namespace poplar::config {

enum class Family { kAny, kIpv4, kIpv6 };
inline constexpr ChoiceName<Family> kFamilyNames[] = {
    {Family::kAny, "any"}, {Family::kIpv4, "ipv4"}, {Family::kIpv6, "ipv6"}};

// What holds for each node that is found: what a node of a list says, but for its name, address,
// weight and state.
struct DiscoveredNodeConfig {
  NodeConfig all;

  bool operator==(const DiscoveredNodeConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, DiscoveredNodeConfig& c) {
  DescribeNodeTls(v, c.all);
  DescribeNodeClients(v, c.all);
}

// Nodes that are found by asking name servers.
struct DiscoveryConfig {
  std::string dns;
  std::string srv;
  Family family = Family::kAny;
  std::vector<std::string> name_servers;
  Duration ttl_min = std::chrono::seconds(5);
  Duration ttl_max = std::chrono::minutes(5);
  int max_nodes = 32;
  DiscoveredNodeConfig node;

  bool enabled() const { return !dns.empty() || !srv.empty(); }
  bool operator==(const DiscoveryConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, DiscoveryConfig& c) {
  constexpr Bounds<Duration> kTtl = {std::chrono::milliseconds(100), std::chrono::hours(24)};
  v.Text("dns", c.dns,
         {.help = "A name and a port, such as mail.mail-ns.svc.cluster.local:110. Each of the "
                  "name's addresses (A, AAAA) is a node, and the node's name: a pod that comes "
                  "back under another address is another node, with other users. Asked as every "
                  "program does, with the search list of /etc/resolv.conf; a dot behind the name "
                  "leaves that out."});
  v.Text("srv", c.srv,
         {.help = "A name that has SRV records, such as _pop3._tcp.mail.example.org. Each target "
                  "is a node, and its host name the node's name: it keeps its users wherever its "
                  "address moves (Kubernetes: a headless service of a StatefulSet). The targets "
                  "of the best priority share the users by their weights; the others are spares."});
  v.Choice("family", c.family, kFamilyNames,
           {.help = "Which addresses count. A node with an IPv4 and an IPv6 address is two nodes "
                    "to dns; to srv it is one, at its IPv4 address if both count."});
  v.Texts("name_servers", c.name_servers,
          {.help = "Whom to ask, as IP addresses, with or without a port. Empty: those of "
                   "/etc/resolv.conf."});
  v.Time("ttl_min", c.ttl_min, kTtl,
         {.help = "An answer counts for as long as its TTL says, but no shorter; and after a "
                  "failure it is asked again that soon, then ever later. Without a good answer "
                  "the nodes known stay."});
  v.Time("ttl_max", c.ttl_max, kTtl, {.help = "And no longer."});
  v.Integer("max_nodes", c.max_nodes, {1, 256},
            {.help = "Room for so many nodes at once, those included that have left but still "
                     "have sessions. More get no users, and are warned of."});
  v.Section("node", c.node, {.help = "What holds for each of the nodes."});
}

}  // namespace poplar::config
