#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "proxy/config/field.h"

// Who may connect, how much of it, and how fast.
namespace poplar::config {

// Of clients, by address.
struct AccessConfig {
  std::vector<std::string> allow;
  std::vector<std::string> deny;

  bool operator==(const AccessConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, AccessConfig& c) {
  v.Texts("allow", c.allow,
          {.help = "Networks and addresses that alone may connect. Empty: all may."});
  v.Texts("deny", c.deny, {.help = "Networks and addresses that may not, even if allowed."});
}

// What a wrong password costs the address that it came from.
struct LoginDelayConfig {
  bool enabled = true;
  Duration first = std::chrono::seconds(2);
  Duration longest = std::chrono::seconds(15);
  int address_allowance = 5;
  int waiting_per_address = 20;
  Duration forget_after = std::chrono::hours(1);
  Duration known_for = std::chrono::hours(24);

  bool operator==(const LoginDelayConfig&) const = default;

  // login_delay: off
  static constexpr bool LoginDelayConfig::* kSwitch = &LoginDelayConfig::enabled;
};

template <class Visitor>
void Describe(Visitor& v, LoginDelayConfig& c) {
  v.Flag("enabled", c.enabled,
         {.help = "Whether logins from an address that guesses passwords are made to wait before "
                  "any node is asked. Only what a node refuses counts, and the same wrong password "
                  "counts once, so a phone with an old one is not punished. Other addresses of the "
                  "user are never affected."});
  v.Time("first", c.first, {std::chrono::milliseconds(1), std::chrono::minutes(1)},
         {.help = "The wait after a user's first wrong password from an address; each further one "
                  "doubles it."});
  v.Time("longest", c.longest, {std::chrono::milliseconds(1), std::chrono::minutes(1)},
         {.help = "The longest wait; never more than half of timeouts.login."});
  v.Integer("address_allowance", c.address_allowance, {0, 1000},
            {.help = "Wrong passwords of all users of an address together before its other users "
                     "wait, too."});
  v.Integer("waiting_per_address", c.waiting_per_address, {1, 10'000},
            {.help = "Logins of one address that may wait at once, a quarter of them of one user; "
                     "a further one is told to try again later, and its connection ends."});
  v.Time("forget_after", c.forget_after, {std::chrono::seconds(1), std::chrono::hours(24)},
         {.help = "How long after an address's last wrong password nothing of them counts any "
                  "more. On the way there they count less and less."});
  v.Time("known_for", c.known_for, {Duration(0), std::chrono::hours(24 * 30)},
         {.help = "How long after a good login a user is known at an address. A known user doesn't "
                  "wait for what others of the address did, and may mistype a few times."});
}

struct AdmissionConfig {
  AccessConfig access;
  std::vector<std::string> trusted = {"127.0.0.0/8", "::1"};
  int address_bits_ipv6 = 64;
  int network_bits_ipv4 = 24;
  int network_bits_ipv6 = 48;
  int connections_per_address = 1000;
  int connections_per_network = 0;
  int unauthenticated = 10'000;
  int unauthenticated_per_address = 100;
  int connection_rate = 0;
  int connection_rate_per_address = 0;
  int command_rate = 0;
  Size byte_rate = {};
  LoginDelayConfig login_delay;

  bool operator==(const AdmissionConfig&) const = default;
};

template <class Visitor>
void DescribeAddresses(Visitor& v, AdmissionConfig& c) {
  v.Section("access", c.access,
            {.help = "Clients of all listeners; a listener or cluster may say more."});
  v.Texts("trusted", c.trusted,
          {.help = "Networks and addresses that stand for many users, such as a webmail's or a "
                   "monitoring system's: nothing here that counts by address holds for them."});
  v.Integer("address_bits_ipv6", c.address_bits_ipv6, {16, 128},
            {.help = "How much of an IPv6 address counts as one address: its owner has the rest."});
  v.Integer("network_bits_ipv4", c.network_bits_ipv4, {8, 32},
            {.help = "How much of an IPv4 address connections_per_network goes by."});
  v.Integer("network_bits_ipv6", c.network_bits_ipv6, {16, 128}, {.help = "The same for IPv6."});
}

template <class Visitor>
void Describe(Visitor& v, AdmissionConfig& c) {
  constexpr Bounds<int> kCount = {0, 10'000'000};
  DescribeAddresses(v, c);
  v.Integer("connections_per_address", c.connections_per_address, kCount,
            {.help = "Connections of one address at once; more are closed. 0: no limit. An office "
                     "of a thousand people may be one address."});
  v.Integer("connections_per_network", c.connections_per_network, kCount,
            {.help = "The same for all addresses of a network. 0: no limit."});
  v.Integer("unauthenticated", c.unauthenticated, kCount,
            {.help = "Connections at once whose client has not logged in yet. At the limit each "
                     "new one ends the oldest. 0: no limit."});
  v.Integer("unauthenticated_per_address", c.unauthenticated_per_address, kCount,
            {.help = "Such connections of one address at once; more are closed. 0: no limit."});
  v.Integer("connection_rate", c.connection_rate, kCount,
            {.help = "New connections a second, of all clients; more are closed. 0: no limit."});
  v.Integer("connection_rate_per_address", c.connection_rate_per_address, kCount,
            {.help = "New connections a minute of one address, and as many at once; more are "
                     "closed. 0: no limit."});
  v.Integer("command_rate", c.command_rate, {0, 1'000'000},
            {.help = "Commands a second of one session, and as many at once; more wait. 0: no "
                     "limit."});
  v.Bytes("byte_rate", c.byte_rate, {Size{}, GiB(1024)},
          {.help = "Bytes a second of mail to one client, so that all get their share of the "
                   "line. 0B, or 16KiB and more. 0B: no limit."});
  v.Section("login_delay", c.login_delay, {.help = "Against the guessing of passwords."});
}

enum class Deletes { kAllow, kKeep, kDeny };
inline constexpr ChoiceName<Deletes> kDeletesNames[] = {
    {Deletes::kAllow, "allow"}, {Deletes::kKeep, "keep"}, {Deletes::kDeny, "deny"}};

// Whether clients may delete mail.
struct RetentionConfig {
  Deletes deletes = Deletes::kAllow;
  std::vector<std::string> allow_for;
  std::vector<std::string> keep_for;
  std::vector<std::string> deny_for;

  bool operator==(const RetentionConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, RetentionConfig& c) {
  v.Choice("deletes", c.deletes, kDeletesNames,
           {.help = "What becomes of a client's DELE. With keep and deny Poplar answers it itself, "
                    "no node ever sees it, and commands that Poplar doesn't know are refused. "
                    "keep: +OK, but the QUIT that should do it is answered -ERR: clients have all "
                    "their mail by then, and know what they have. deny: -ERR at once; fetchmail, "
                    "getmail and scripts that want to delete end with it at the first message, so "
                    "set them to leave mail on the server."});
  v.Texts("allow_for", c.allow_for,
          {.help = "Users (anna@example.org) and domains (@example.org) for whom it is allow. A "
                   "user counts for more than a domain, a domain for more than deletes."});
  v.Texts("keep_for", c.keep_for,
          {.help = "Those for whom it is keep; more than allow_for of the same name."});
  v.Texts("deny_for", c.deny_for,
          {.help = "Those for whom it is deny; more than the other two of the same name."});
}

}  // namespace poplar::config
