#pragma once

#include <chrono>
#include <string>

#include "proxy/config/field.h"

namespace poplar::config {

enum class Probe { kConnect, kGreeting, kCapa, kLogin, kOff };
inline constexpr ChoiceName<Probe> kProbeNames[] = {{Probe::kConnect, "connect"},
                                                    {Probe::kGreeting, "greeting"},
                                                    {Probe::kCapa, "capa"},
                                                    {Probe::kLogin, "login"},
                                                    {Probe::kOff, "off"}};

// How it is found out which nodes of a cluster work, and what follows for their users.
struct HealthConfig {
  Probe probe = Probe::kCapa;
  Duration interval = std::chrono::seconds(5);
  Duration fast_interval = std::chrono::seconds(1);
  Duration timeout = std::chrono::seconds(3);
  int rise = 2;
  int fall = 3;
  std::string user;
  std::string password_file;
  int consecutive_failures = 5;
  int failure_percent = 50;
  int failure_events_min = 20;
  Duration failure_window = std::chrono::seconds(30);
  Duration ejection_time = std::chrono::seconds(30);
  Duration ejection_time_max = std::chrono::minutes(5);
  int ejected_percent_max = 50;
  Duration hold_down = std::chrono::seconds(10);
  Duration slow_start = std::chrono::seconds(30);
  int panic_percent = 30;

  bool operator==(const HealthConfig&) const = default;
};

template <class Visitor>
void DescribeProbes(Visitor& v, HealthConfig& c) {
  constexpr Bounds<Duration> kInterval = {std::chrono::milliseconds(100), std::chrono::hours(1)};
  v.Choice("probe", c.probe, kProbeNames,
           {.help = "How deep each node is probed. connect: TCP only. greeting: TLS as configured "
                    "and the greeting. capa: the node's capabilities as well, of which clients "
                    "are offered what all nodes have. login: a login as health.user and STAT, "
                    "which alone proves that mail can be read. off: only what sessions see counts. "
                    "All but connect end with QUIT."});
  v.Time("interval", c.interval, kInterval,
         {.help = "From one probe of a node to the next; spread by a fifth, so that nodes and "
                  "replicas are not probed in step."});
  v.Time("fast_interval", c.fast_interval, kInterval,
         {.help = "The same while the last probe contradicts the node's state: a failure of a node "
                  "that is up, a success of one that is out."});
  v.Time("timeout", c.timeout, {std::chrono::milliseconds(100), std::chrono::minutes(10)},
         {.help = "For one whole probe."});
  v.Integer("rise", c.rise, {1, 100},
            {.help = "Successful probes in a row that bring a node back."});
  v.Integer("fall", c.fall, {1, 100}, {.help = "Failed probes in a row that take a node out."});
  v.Text("user", c.user,
         {.help = "With probe: login, the account to log in with. Give it an account of its own, "
                  "with little mail and no rights."});
  v.Path("password_file", c.password_file,
         {.help = "With probe: login, the file whose first line is that account's password. Only "
                  "Poplar's user should be able to read it."});
}

template <class Visitor>
void DescribeEjection(Visitor& v, HealthConfig& c) {
  constexpr Bounds<Duration> kEjection = {std::chrono::milliseconds(100), std::chrono::hours(24)};
  v.Integer("consecutive_failures", c.consecutive_failures, {0, 10'000},
            {.help = "Sessions in a row that a node fails (no connection, no answer to a login, "
                     "[SYS/...], gone in the middle) before it is ejected. A wrong password is no "
                     "failure. 0: off."});
  v.Integer("failure_percent", c.failure_percent, {0, 100},
            {.help = "Share of failures among what sessions saw of a node within failure_window "
                     "that ejects it. 0: off."});
  v.Integer("failure_events_min", c.failure_events_min, {1, 1'000'000},
            {.help = "Fewer observations within failure_window prove nothing."});
  v.Time("failure_window", c.failure_window, {std::chrono::seconds(1), std::chrono::hours(1)},
         {.help = "The time over which failure_percent is taken."});
  v.Time("ejection_time", c.ejection_time, kEjection,
         {.help = "How long the first ejection lasts; the second in a row twice as long, the third "
                  "three times. It ends early when rise probes succeed that look as deep as the "
                  "sessions did that failed."});
  v.Time("ejection_time_max", c.ejection_time_max, kEjection,
         {.help = "No ejection lasts longer."});
  v.Integer("ejected_percent_max", c.ejected_percent_max, {0, 100},
            {.help = "Most nodes of a cluster that ejections may take out, in percent, rounded "
                     "down, but one at least. Failed probes take out as many as they find."});
}

template <class Visitor>
void Describe(Visitor& v, HealthConfig& c) {
  constexpr Bounds<Duration> kMove = {Duration(0), std::chrono::hours(24)};
  DescribeProbes(v, c);
  DescribeEjection(v, c);
  v.Time("hold_down", c.hold_down, kMove,
         {.help = "How long a node that is out must have been failing before its users move to "
                  "another, counted from the first failure after it was last seen well; until then "
                  "their logins wait. It keeps a node's restart, or one lost probe, from sending "
                  "users to and fro, whose sessions there may still be running. Only with "
                  "shared_storage: yes and affinity: user."});
  v.Time("slow_start", c.slow_start, kMove,
         {.help = "A node that came back takes its users over again little by little within this "
                  "time. 0s: at once."});
  v.Integer("panic_percent", c.panic_percent, {0, 100},
            {.help = "With less than this share of a cluster's weight in service, health is no "
                     "longer believed, since the fault is likelier here than there: all nodes are "
                     "tried. 0: off."});
}

}  // namespace poplar::config
