#include "proxy/server/worker_lookups.h"

namespace poplar::server {

std::optional<directory::Found> WorkerLookups::InMap(size_t map, std::string_view user) {
  const auto entry = maps_.Current(map).Find(user);
  if (!entry) return std::nullopt;
  return directory::Found{.place = std::string(entry->place), .login = std::string(entry->login)};
}

io::Task<directory::Answer> WorkerLookups::Ask(size_t /*index*/, directory::Question /*question*/) {
  co_return directory::Answer{.text = "no directory"};
}

}  // namespace poplar::server
