#pragma once

#include <string>
#include <string_view>

#include "proxy/directory/question.h"
#include "proxy/pop3/secret.h"

namespace poplar::directory {

// The request of nginx's auth_http: what is known of a login, in headers. `target` and `host` are
// the URL's; `more` are whole header lines of the operator's. Whatever bytes a client sent, no
// header can come of them but those meant. Holds the password.
pop3::Secret RenderHttpQuestion(const Question& question, std::string_view target,
                                std::string_view host, std::string_view more);

// As nginx writes names and passwords: control characters, blanks and % as %XX, all else as it is.
std::string EscapeForHeader(std::string_view text);

}  // namespace poplar::directory
