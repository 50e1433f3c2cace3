#pragma once

#include <string>

#include "proxy/config/field.h"

namespace poplar::config {

// The account that a cluster's nodes let into every mailbox.
struct MasterUserConfig {
  std::string name;
  std::string password_file;
  std::string separator = "*";

  bool operator==(const MasterUserConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, MasterUserConfig& c) {
  v.Text("name", c.name,
         {.help = "A master user of the nodes: logs in for clients that prove who they are to "
                  "Poplar alone, by a certificate. Dovecot: a passdb with master = yes. Empty: "
                  "none."});
  v.Path("password_file", c.password_file,
         {.help = "The file whose first line is the master user's password. It opens every "
                  "mailbox: only Poplar's user should be able to read it."});
  v.Text("separator", c.separator,
         {.help = "Nodes that offer AUTH PLAIN are told the mailbox and who opens it apart. The "
                  "others get USER with both: mailbox, separator, user (Dovecot: "
                  "auth_master_user_separator). Empty: they get no such login."});
}

}  // namespace poplar::config
