#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "proxy/directory/answer.h"

namespace poplar::directory {

// Finds out where a user is, and blocks while it does. One thread's own.
class LdapAsker {
 public:
  virtual ~LdapAsker() = default;

  // kUnavailable at the latest a moment after `deadline`, and soon once `stop` is set.
  virtual Answer Ask(const std::string& user, io::Time deadline, const std::atomic<bool>& stop) = 0;
};

}  // namespace poplar::directory
