#pragma once

#include <string>

#include "proxy/pop3/secret.h"

namespace poplar::pop3 {

// An account that a cluster's nodes let into every mailbox, for logins whose client shows no
// password that a node could check.
struct MasterUser {
  std::string name;  // empty: there is none
  Secret password;
  // Between a mailbox and who opens it, where USER has to name both: "alice*admin".
  std::string separator = "*";

  bool exists() const { return !name.empty(); }
};

}  // namespace poplar::pop3
