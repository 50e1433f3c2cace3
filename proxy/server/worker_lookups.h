#pragma once

#include "proxy/server/user_maps.h"
#include "proxy/session/lookups.h"

namespace poplar::server {

// What rules refer to, for one worker's sessions.
class WorkerLookups final : public session::Lookups {
 public:
  // All outlive it.
  explicit WorkerLookups(const UserMaps& maps) : maps_(maps) {}

  std::optional<directory::Found> InMap(size_t map, std::string_view user) override;
  io::Task<directory::Answer> Ask(size_t index, directory::Question question) override;

 private:
  UserMapReader maps_;
};

}  // namespace poplar::server
