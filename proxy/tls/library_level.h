#pragma once

#include <string>

namespace poplar::tls {

// "BoringSSL API 17 (Debian android-libboringssl)", for --version.
std::string LibraryLevel();

}  // namespace poplar::tls
