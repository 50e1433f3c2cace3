#include "proxy/tls/library_level.h"

#include <openssl/base.h>

namespace poplar::tls {

std::string LibraryLevel() {
  return "BoringSSL API " + std::to_string(BORINGSSL_API_VERSION) + " (" POPLAR_BORINGSSL_LEVEL ")";
}

}  // namespace poplar::tls
