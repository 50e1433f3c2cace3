#pragma once

#include <string>
#include <string_view>

#include "proxy/autoconfig/mail_service.h"

namespace poplar::autoconfig {

// config-v1.1.xml (https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat and
// draft-ietf-mailmaint-autoconfig), which many clients besides Thunderbird read. Users' names are
// placeholders in it, which the client fills in. `domain`: the one asked for; empty: all.
std::string ThunderbirdDocument(const MailService& service, std::string_view domain);

}  // namespace poplar::autoconfig
