#include "proxy/session/routing.h"

#include <algorithm>

#include "proxy/pop3/ascii.h"

namespace poplar::session {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), pop3::ToLower);
  return lower;
}

// "[2001:db8::1]" is 2001:db8::1.
std::string_view WithoutBrackets(std::string_view host) {
  const bool has = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  return has ? host.substr(1, host.size() - 2) : host;
}

}  // namespace

void Routing::AddHost(std::string_view host, const Whereabouts& place) {
  const auto [at, is_new] = hosts.try_emplace(Lower(WithoutBrackets(host)), place);
  if (!is_new && at->second && at->second->node != place.node) at->second = std::nullopt;
}

tl::expected<Whereabouts, Routing::PlaceFault> Routing::FindPlace(std::string_view name) const {
  if (const auto found = places.find(Lower(name)); found != places.end()) return found->second;
  const auto host = hosts.find(Lower(WithoutBrackets(name)));
  if (host == hosts.end()) return tl::unexpected(PlaceFault::kUnknown);
  if (!host->second) return tl::unexpected(PlaceFault::kAmbiguous);
  return *host->second;
}

}  // namespace poplar::session
