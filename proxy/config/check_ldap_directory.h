#pragma once

#include <string>

#include "proxy/config/findings.h"
#include "proxy/config/ldap_directory_config.h"

namespace poplar::config {

// An LDAP directory, as far as its settings tell; `path` is the section's.
void CheckLdapDirectory(const LdapDirectoryConfig& ldap, const std::string& path,
                        Findings& findings);

}  // namespace poplar::config
