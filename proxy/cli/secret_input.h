#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <tl/expected.hpp>

#include "proxy/pop3/secret.h"

namespace poplar::cli {

// Bytes of a password or token that is read: in base64 the longest that a line of SASL has room
// for.
inline constexpr size_t kSecretBytesMax = size_t{12} * 1024 - 512;

// The first line of a file, without its line end; "-" is standard input. Never empty, no control
// characters. The error says which file, what is wrong, and what would be right.
tl::expected<pop3::Secret, std::string> ReadSecretFile(const std::string& path);

// The same from an open file, such as standard input. `where` names it in errors.
tl::expected<pop3::Secret, std::string> ReadSecretLine(int file, const std::string& where);

// Asks at a terminal, which shows nothing of what is typed. A signal that comes meanwhile finds the
// terminal as it was.
tl::expected<pop3::Secret, std::string> AskForSecret(int terminal, const std::string& question,
                                                     std::ostream& err);

}  // namespace poplar::cli
