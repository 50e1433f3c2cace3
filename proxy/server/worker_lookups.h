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
  // The maps and the proactor outlive it.
  WorkerLookups(const UserMaps& maps, std::shared_ptr<Directories> directories,
                io::Proactor& proactor);

  // On the worker's thread, before the first question.
  void Start();
  // Likewise, any time later: questions go to these from now on, under the same numbers.
  void Use(std::shared_ptr<Directories> directories);
  // Likewise, now and then: lets go of those before when no question of theirs is left.
  void LetGo();

  std::optional<directory::Found> InMap(size_t map, std::string_view user) override;
  io::Task<directory::Answer> Ask(size_t index, directory::Question question) override;

  // Questions under way end soon, and so do all later ones. More than once does no harm.
  void Stop();
  // Behind Stop: waits for what goes on in the background, which ends when all workers' have
  // stopped.
  io::Task<void> Ended();

 private:
  // Directories, and how this worker asks them.
  struct Asked {
    Asked(std::shared_ptr<Directories> services, io::Proactor& proactor);
    void Stop();
    bool idle() const { return questions.count() == 0 && background.count() == 0; }

    const std::shared_ptr<Directories> directories;
    io::TaskScope questions;
    io::TaskScope background;
    std::vector<std::unique_ptr<directory::Source>> sources;  // by directory
    bool stopped = false;
  };

  UserMapReader maps_;
  io::Proactor& proactor_;
  std::shared_ptr<Asked> current_;              // each question holds those that it goes to
  std::vector<std::shared_ptr<Asked>> former_;  // as many as there are reloads within a timeout
  bool stopped_ = false;
};

}  // namespace poplar::server
