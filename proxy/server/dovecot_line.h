#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/session/record.h"

namespace poplar::server {

// What Dovecot's pop3-login would have written to a syslog file of `host` of a session in which no
// login succeeded and one or more failed, so that what looks for its lines finds these.
std::string DovecotLine(int64_t unix_micros, std::string_view host, const session::Record& record);

}  // namespace poplar::server
