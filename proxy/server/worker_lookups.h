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
  WorkerLookups(const UserMaps& maps, Directories& directories, io::Proactor& proactor,
                io::TaskScope& scope);

  // On the worker's thread, before the first question.
  void Start();

  std::optional<directory::Found> InMap(size_t map, std::string_view user) override;
  io::Task<directory::Answer> Ask(size_t index, directory::Question question) override;

  // Questions under way end soon, and so do all later ones. More than once does no harm.
  void Stop();
  // Behind Stop: waits for what goes on in the background, which ends when all workers' have
  // stopped.
  io::Task<void> Ended();

 private:
  UserMapReader maps_;
  Directories& directories_;
  io::Proactor& proactor_;
  io::TaskScope& scope_;
  io::TaskScope background_;
  std::vector<std::unique_ptr<directory::Source>> sources_;  // by directory
  bool stopped_ = false;
};

}  // namespace poplar::server
