#include "proxy/server/build_admission.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace poplar::server {
namespace {

template <class T>
using Built = tl::expected<T, std::string>;

Built<io::NetworkSet> BuildNetworks(const std::vector<std::string>& texts) {
  io::NetworkSet networks;
  for (const std::string& text : texts) {
    const auto network = io::Network::Parse(text);
    if (!network) return tl::unexpected(text + " is no network");
    networks.Add(*network);
  }
  return networks;
}

admission::PenaltyRules BuildPenalty(const config::Config& config, const io::NetworkSet& trusted) {
  const config::LoginDelayConfig& from = config.admission.login_delay;
  // A login that waits must still have time to log in.
  const config::Duration longest = std::min(from.longest, config.timeouts.login / 2);
  return {.enabled = from.enabled,
          .first = std::min(from.first, longest),
          .longest = longest,
          .address_allowance = from.address_allowance,
          .waiting_per_address = from.waiting_per_address,
          .forget_after = from.forget_after,
          .known_for = from.known_for,
          .address_bits = {.ipv6 = config.admission.address_bits_ipv6},
          .trusted = trusted};
}

admission::Deletes DeletesOf(config::Deletes from) {
  switch (from) {
    case config::Deletes::kAllow:
      return admission::Deletes::kAllowed;
    case config::Deletes::kKeep:
      return admission::Deletes::kKept;
    case config::Deletes::kDeny:
      break;
  }
  return admission::Deletes::kDenied;
}

// "@domain" is a canonical domain; anything else is a login name and completed like one.
Built<void> Say(admission::Retention& retention, const std::vector<std::string>& names,
                admission::Deletes deletes, const balancer::CanonicalRules& canonical) {
  for (const std::string& name : names) {
    if (name.starts_with('@')) {
      retention.Say(name, deletes);
      continue;
    }
    const auto user = balancer::CanonicalUser::FromLogin(name, canonical);
    if (!user) return tl::unexpected(name + " is no user");
    retention.Say(user->text(), deletes);
  }
  return {};
}

}  // namespace

Built<admission::Policy> BuildAdmission(const config::Config& config) {
  const config::AdmissionConfig& from = config.admission;
  const auto count = [](int value) { return static_cast<uint32_t>(value); };
  auto access = BuildAccess(from.access);
  if (!access) return tl::unexpected("admission.access." + access.error());
  auto trusted = BuildNetworks(from.trusted);
  if (!trusted) return tl::unexpected("admission.trusted: " + trusted.error());
  admission::Policy policy;
  policy.access = std::move(*access);
  policy.trusted = *trusted;
  policy.address_bits.ipv6 = from.address_bits_ipv6;
  policy.network_bits = {.ipv4 = from.network_bits_ipv4, .ipv6 = from.network_bits_ipv6};
  policy.connections = {
      .sessions = config.limits.sessions,
      .unauthenticated = from.unauthenticated,
      .per_address = count(from.connections_per_address),
      .per_network = count(from.connections_per_network),
      .unauthenticated_per_address = count(from.unauthenticated_per_address),
      .rate = {.count = count(from.connection_rate), .period = std::chrono::seconds(1)},
      .rate_per_address = {.count = count(from.connection_rate_per_address),
                           .period = std::chrono::minutes(1)}};
  policy.penalty = BuildPenalty(config, *trusted);
  policy.pace = {.commands = {.count = count(from.command_rate)},
                 .bytes = {.count = from.byte_rate.bytes}};
  return policy;
}

Built<admission::AccessList> BuildAccess(const config::AccessConfig& from) {
  auto allow = BuildNetworks(from.allow);
  if (!allow) return tl::unexpected("allow: " + allow.error());
  auto deny = BuildNetworks(from.deny);
  if (!deny) return tl::unexpected("deny: " + deny.error());
  return admission::AccessList{std::move(*allow), std::move(*deny)};
}

Built<session::ClusterPolicy> BuildClusterPolicy(const config::ClusterConfig& from,
                                                 const balancer::CanonicalRules& canonical) {
  const std::string where = "cluster " + from.name + ": ";
  auto access = BuildAccess(from.access);
  if (!access) return tl::unexpected(where + "access." + access.error());
  using admission::Deletes;
  admission::Retention retention(DeletesOf(from.retention.deletes));
  auto said = Say(retention, from.retention.allow_for, Deletes::kAllowed, canonical);
  if (said) said = Say(retention, from.retention.keep_for, Deletes::kKept, canonical);
  if (said) said = Say(retention, from.retention.deny_for, Deletes::kDenied, canonical);
  if (!said) return tl::unexpected(where + "retention: " + said.error());
  return session::ClusterPolicy{std::move(*access), std::move(retention)};
}

}  // namespace poplar::server
