#pragma once

#include <memory>
#include <vector>

#include "proxy/directory/source.h"
#include "proxy/io/task_scope.h"
#include "proxy/server/directories.h"
#include "proxy/server/user_maps.h"
#include "proxy/session/lookups.h"

namespace poplar::server {

// What rules refer to, for one worker's sessions.
class WorkerLookups final : public session::Lookups {
 public:
  // All outlive it. `scope` runs the questions; it must be empty before it goes.
  WorkerLookups(const UserMaps& maps, const Directories& directories, io::Proactor& proactor,
                io::TaskScope& scope);

  std::optional<directory::Found> InMap(size_t map, std::string_view user) override;
  io::Task<directory::Answer> Ask(size_t index, directory::Question question) override;

  // Questions under way end soon, and so do all later ones.
  void Stop();

 private:
  UserMapReader maps_;
  const Directories& directories_;
  io::Proactor& proactor_;
  io::TaskScope& scope_;
  std::vector<std::unique_ptr<directory::Source>> sources_;  // by directory
};

}  // namespace poplar::server
