#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/directory/answer.h"
#include "proxy/directory/question.h"
#include "proxy/io/task.h"

namespace poplar::session {

// The maps and directories that rules refer to, as one worker has them.
class Lookups {
 public:
  virtual ~Lookups() = default;

  // Nothing: the user isn't in the map.
  virtual std::optional<directory::Found> InMap(size_t map, std::string_view user) = 0;

  // Within the directory's own deadline.
  virtual io::Task<directory::Answer> Ask(size_t index, directory::Question question) = 0;
};

}  // namespace poplar::session
