#include "proxy/session/routing.h"

#include <algorithm>

#include "proxy/pop3/ascii.h"

namespace poplar::session {

std::optional<Whereabouts> Routing::FindPlace(std::string_view name) const {
  std::string key(name);
  std::transform(key.begin(), key.end(), key.begin(), pop3::ToLower);
  const auto found = places.find(key);
  if (found == places.end()) return std::nullopt;
  return found->second;
}

}  // namespace poplar::session
