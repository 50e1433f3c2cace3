#pragma once

#include <string>
#include <tl/expected.hpp>

#include "proxy/config/directory_config.h"
#include "proxy/directory/ldap_settings.h"

namespace poplar::server {

// What an LDAP directory's threads need to know. Reads the password's file, now and at each new
// bind; blocks. The error says what, where and why.
tl::expected<directory::LdapSettings, std::string> BuildLdap(const config::DirectoryConfig& from);

}  // namespace poplar::server
