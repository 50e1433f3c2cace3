#pragma once

#include <string>
#include <vector>

#include "proxy/config/field.h"

namespace poplar::config {

enum class NodeTls { kNone, kVerify, kInsecure };
inline constexpr ChoiceName<NodeTls> kNodeTlsNames[] = {
    {NodeTls::kNone, "none"}, {NodeTls::kVerify, "verify"}, {NodeTls::kInsecure, "insecure"}};

struct NodeConfig {
  std::string name;
  std::string address;
  int weight = 100;
  NodeTls tls = NodeTls::kNone;
  std::string ca_file;
  std::string host_name;

  bool operator==(const NodeConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, NodeConfig& c) {
  v.Text("name", c.name,
         {.help = "The node's name in logs and metrics. Users are assigned to nodes by this name: "
                  "renaming a node "
                  "moves its users.",
          .required = true,
          .example = "mail-1"});
  v.Text("address", c.address,
         {.help = "Host and port of the node's POP3 service.",
          .required = true,
          .example = "mail-1.internal:110"});
  v.Integer("weight", c.weight, {0, 1000},
            {.help = "The node's share of the users, relative to the others'. 0: the last choice "
                     "for every user."});
  v.Choice("tls", c.tls, kNodeTlsNames,
           {.help = "verify: TLS, and the node must prove its name by a certificate of a known CA. "
                    "insecure: TLS with "
                    "any certificate. none: in the clear."});
  v.Path("ca_file", c.ca_file,
         {.help = "With tls: verify, PEM file with the CAs to trust. Empty: the system's bundle."});
  v.Text("host_name", c.host_name,
         {.help = "With TLS, the name asked for (SNI) and verified. Empty: the address's host."});
}

struct ClusterConfig {
  std::string name;
  bool shared_storage = false;
  std::vector<NodeConfig> nodes;

  bool operator==(const ClusterConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, ClusterConfig& c) {
  v.Text("name", c.name,
         {.help = "The cluster's name in logs, metrics and listeners.",
          .required = true,
          .example = "mail"});
  v.Flag("shared_storage", c.shared_storage,
         {.help = "Whether every node reaches every user's mail. Only with yes may a user move to "
                  "another node; with "
                  "no, the users of a dead node are told to try again later."});
  v.List("nodes", c.nodes, {.help = "The mail nodes.", .required = true});
}

}  // namespace poplar::config
