#pragma once

#include <string>
#include <vector>

#include "proxy/directory/answer.h"

namespace poplar::directory {

// What was asked for of an entry.
struct LdapEntry {
  std::string dn;
  std::vector<std::string> places;
  std::vector<std::string> logins;
};

// What the entries found for a user say of it. There must be one, and it must be clear: a guess
// would show somebody else's mail. No entry, or one without a place: the user is unknown here.
Answer ToAnswer(const std::vector<LdapEntry>& entries);

}  // namespace poplar::directory
