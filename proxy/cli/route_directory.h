#pragma once

#include <string>

#include "proxy/config/directory_config.h"
#include "proxy/directory/answer.h"

namespace poplar::cli {

// What an LDAP directory says of a user: no password is needed for that, thus no running Poplar.
// Blocks, for the directory's timeout at most. `user` is the canonical name.
directory::Answer AskLdap(const config::DirectoryConfig& config, const std::string& user);

}  // namespace poplar::cli
