#include "proxy/tls/keyed_digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>

#include <cstdlib>

#include "proxy/tls/sha256.h"

namespace poplar::tls {

namespace {

// The bytes of `number`, the highest first.
std::array<uint8_t, 8> BigEndian(uint64_t number) {
  std::array<uint8_t, 8> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(number >> (8 * (bytes.size() - 1 - i)));
  }
  return bytes;
}

bool Feed(HMAC_CTX* hmac, std::string_view part) {
  const std::array<uint8_t, 8> length = BigEndian(part.size());
  return HMAC_Update(hmac, length.data(), length.size()) == 1 &&
         HMAC_Update(hmac, reinterpret_cast<const uint8_t*>(part.data()), part.size()) == 1;
}

}  // namespace

KeyedDigest::KeyedDigest(io::Random& random) {
  for (size_t i = 0; i < key_.size(); i += 8) {
    std::array<uint8_t, 8> bytes = BigEndian(random.Next());
    for (size_t j = 0; j < bytes.size(); ++j) key_[i + j] = bytes[j];
    OPENSSL_cleanse(bytes.data(), bytes.size());
  }
}

KeyedDigest::KeyedDigest(std::string_view shared_secret) : key_(Sha256(shared_secret)) {}

KeyedDigest::~KeyedDigest() { OPENSSL_cleanse(key_.data(), key_.size()); }

KeyedDigest::Value KeyedDigest::Of(std::string_view user, std::string_view secret) const {
  Value value{};
  bssl::ScopedHMAC_CTX hmac;  // wiped when it goes
  unsigned size = 0;
  const bool done =
      HMAC_Init_ex(hmac.get(), key_.data(), key_.size(), EVP_sha256(), nullptr) == 1 &&
      Feed(hmac.get(), user) && Feed(hmac.get(), secret) &&
      HMAC_Final(hmac.get(), value.data(), &size) == 1;
  // It fails for lack of memory alone. An all-zero digest would make all credentials one.
  if (!done || size != value.size()) std::abort();
  return value;
}

}  // namespace poplar::tls
