#include "proxy/tls/profile.h"

#include <openssl/ssl.h>

namespace poplar::tls {

const char* Groups() {
#if defined(SSL_GROUP_X25519_MLKEM768)
  return "X25519MLKEM768:X25519:P-256:P-384";
#else
  return "X25519:P-256:P-384";
#endif
}

}  // namespace poplar::tls
