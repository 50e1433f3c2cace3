#pragma once

#include <chrono>

#include "proxy/config/field.h"

namespace poplar::config {

inline constexpr Duration kUpstreamTimeout = std::chrono::seconds(15);
inline constexpr Duration kUpstreamKeepalive = std::chrono::minutes(4);

// Those of the timeouts that a cluster or node may have for itself.
struct UpstreamTimeoutsConfig {
  Duration upstream_connect = kUpstreamTimeout;
  Duration upstream_response = kUpstreamTimeout;
  Duration upstream_keepalive = kUpstreamKeepalive;

  bool operator==(const UpstreamTimeoutsConfig&) const = default;
};

// `c` has the fields of UpstreamTimeoutsConfig.
template <class Visitor, class Timeouts>
void DescribeUpstreamTimeouts(Visitor& v, Timeouts& c) {
  constexpr Bounds<Duration> kBounds = {std::chrono::milliseconds(100), std::chrono::hours(24)};
  v.Time("upstream_connect", c.upstream_connect, kBounds,
         {.help = "For the TCP connection to a node."});
  v.Time("upstream_response", c.upstream_response, kBounds,
         {.help = "Longest silence of a node that owes an answer: to the TLS handshake, with its "
                  "greeting, to a command."});
  v.Time("upstream_keepalive", c.upstream_keepalive, {Duration(0), std::chrono::hours(24)},
         {.help = "A node that was asked nothing for so long gets a NOOP, so that one with less "
                  "patience than client_idle (Courier: 5 min) doesn't end the session of a client "
                  "that is busy or waits. 0: none is sent."});
}

template <class Visitor>
void Describe(Visitor& v, UpstreamTimeoutsConfig& c) {
  DescribeUpstreamTimeouts(v, c);
}

}  // namespace poplar::config
