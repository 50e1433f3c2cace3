#pragma once

#include <memory>

#include "proxy/directory/ldap_patience.h"

struct ldap;
struct ldap_conncb;

namespace poplar::directory {

// A layer below all that libldap reads from a server, which lets nothing wait longer than it may.
//
// libldap's own limits are not enough. Where GnuTLS shakes hands with a silent server it tries to
// read again and again, without a pause and without an end; and where a message has come in part it
// waits for the rest for as long as it takes.
class LdapReadLimit {
 public:
  LdapReadLimit();
  ~LdapReadLimit();
  LdapReadLimit(const LdapReadLimit&) = delete;
  LdapReadLimit& operator=(const LdapReadLimit&) = delete;

  // Before the handle connects; outlives it.
  void Install(ldap* handle);

  // For what is read from now on, until it is null.
  void set_patience(const LdapPatience* patience) { patience_ = patience; }
  // Blocks until there is something to read. False: nothing in time.
  bool Await(int descriptor) const;

 private:
  const std::unique_ptr<ldap_conncb> callbacks_;
  const LdapPatience* patience_ = nullptr;
};

}  // namespace poplar::directory
