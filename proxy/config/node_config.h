#pragma once

#include <string>

#include "proxy/config/field.h"
#include "proxy/config/override.h"
#include "proxy/config/pool_config.h"
#include "proxy/config/upstream_timeouts_config.h"

namespace poplar::config {

enum class NodeTls { kNone, kVerify, kInsecure };
inline constexpr ChoiceName<NodeTls> kNodeTlsNames[] = {
    {NodeTls::kNone, "none"}, {NodeTls::kVerify, "verify"}, {NodeTls::kInsecure, "insecure"}};

enum class NodeTlsStart { kImplicit, kStls };
inline constexpr ChoiceName<NodeTlsStart> kNodeTlsStartNames[] = {
    {NodeTlsStart::kImplicit, "implicit"}, {NodeTlsStart::kStls, "stls"}};

enum class NodeProxyProtocol { kNone, kV1, kV2 };
inline constexpr ChoiceName<NodeProxyProtocol> kNodeProxyProtocolNames[] = {
    {NodeProxyProtocol::kNone, "none"},
    {NodeProxyProtocol::kV1, "v1"},
    {NodeProxyProtocol::kV2, "v2"}};

enum class Xclient { kAuto, kOff };
inline constexpr ChoiceName<Xclient> kXclientNames[] = {{Xclient::kAuto, "auto"},
                                                        {Xclient::kOff, "off"}};

enum class NodeState { kUp, kDrain, kDown };
inline constexpr ChoiceName<NodeState> kNodeStateNames[] = {
    {NodeState::kUp, "up"}, {NodeState::kDrain, "drain"}, {NodeState::kDown, "down"}};

struct NodeConfig {
  std::string name;
  std::string address;
  int weight = 100;
  NodeTls tls = NodeTls::kNone;
  NodeTlsStart tls_start = NodeTlsStart::kImplicit;
  std::string ca_file;
  std::string host_name;
  std::string client_certificate;
  std::string client_key;
  NodeProxyProtocol proxy_protocol = NodeProxyProtocol::kNone;
  Xclient xclient = Xclient::kAuto;
  NodeState state = NodeState::kUp;
  Override<PoolConfig> pool = {};
  Override<UpstreamTimeoutsConfig> timeouts = {};

  bool operator==(const NodeConfig&) const = default;
};

template <class Visitor>
void DescribeNodeTls(Visitor& v, NodeConfig& c) {
  v.Choice("tls", c.tls, kNodeTlsNames,
           {.help = "verify: TLS, and the node must prove its name by a certificate of a known CA. "
                    "insecure: TLS with "
                    "any certificate. none: in the clear."});
  v.Choice("tls_start", c.tls_start, kNodeTlsStartNames,
           {.help = "With TLS, where it begins. implicit: with the first byte, as on port 995. "
                    "stls: behind the node's greeting, as on port 110; a node that refuses gets no "
                    "login."});
  v.Path("ca_file", c.ca_file,
         {.help = "With tls: verify, PEM file with the CAs to trust. Empty: the system's bundle."});
  v.Text("host_name", c.host_name,
         {.help = "With TLS, the name asked for (SNI) and verified. Empty: the address's host."});
  v.Path("client_certificate", c.client_certificate,
         {.help = "With TLS, PEM file with the certificate that Poplar shows to a node that asks "
                  "for one, then its chain. Empty: none."});
  v.Path("client_key", c.client_key,
         {.help = "PEM file with its private key. Empty: the certificate's file holds it too."});
}

template <class Visitor>
void DescribeNodeClients(Visitor& v, NodeConfig& c) {
  v.Choice("proxy_protocol", c.proxy_protocol, kNodeProxyProtocolNames,
           {.help = "Begins each connection with HAProxy's PROXY header, so that the node knows "
                    "the client's address (Dovecot: haproxy = yes at the listener). The node must "
                    "expect it. No connection can be kept warm then; prefer xclient."});
  v.Choice("xclient", c.xclient, kXclientNames,
           {.help = "auto: a node whose greeting offers XCLIENT is told, ahead of each login, the "
                    "client's address and the session's id, which then stand in its log too "
                    "(Dovecot: Poplar's address in login_trusted_networks). off: never."});
}

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
  DescribeNodeTls(v, c);
  DescribeNodeClients(v, c);
  v.Choice("state", c.state, kNodeStateNames,
           {.help = "The operator's word, whatever health says. drain: takes no new users; those "
                    "with a session there stay. down: its sessions end, and it takes none."});
  v.Overrides("pool", c.pool, {.help = "What differs for this node from the cluster's pool."});
  v.Overrides("timeouts", c.timeouts,
              {.help = "What differs for this node from the cluster's timeouts."});
}

}  // namespace poplar::config
