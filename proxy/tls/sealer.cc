#include "proxy/tls/sealer.h"

#include <openssl/aead.h>
#include <openssl/mem.h>
#include <sys/mman.h>

#include <array>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace poplar::tls {

namespace {

constexpr size_t kKeyBytes = 32;    // AES-256
constexpr size_t kNonceBytes = 12;  // GCM's own size: 4 zeros, then the seal's number
constexpr size_t kTagBytes = 16;
constexpr size_t kNumberBytes = sizeof(uint64_t);

std::array<uint8_t, kNonceBytes> NonceOf(const uint8_t* number) {
  std::array<uint8_t, kNonceBytes> nonce{};
  std::memcpy(nonce.data() + kNonceBytes - kNumberBytes, number, kNumberBytes);
  return nonce;
}

}  // namespace

SealedSecret::SealedSecret(size_t box_bytes)
    : box_(std::make_unique_for_overwrite<uint8_t[]>(box_bytes)), size_(box_bytes) {}

SealedSecret::SealedSecret(SealedSecret&& other) noexcept
    : box_(std::move(other.box_)), size_(std::exchange(other.size_, 0)) {}

SealedSecret& SealedSecret::operator=(SealedSecret&& other) noexcept {
  if (this == &other) return *this;
  Clear();
  box_ = std::move(other.box_);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

void SealedSecret::Clear() {
  if (box_ != nullptr) OPENSSL_cleanse(box_.get(), size_);
  box_.reset();
  size_ = 0;
}

// Alone in its page, with all that is made of the key: AES-GCM's state lies within EVP_AEAD_CTX
// (ChaCha20-Poly1305 would copy its key to the stack of whoever seals).
struct Sealer::KeyPage {
  EVP_AEAD_CTX aead;
  uint8_t key[kKeyBytes];  // until aead is made of it

  bool has_key() const { return EVP_AEAD_CTX_aead(&aead) != nullptr; }
};

Sealer::Sealer(io::Random& random) {
  void* page = mmap(nullptr, sizeof(KeyPage), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                    /*fd=*/-1, /*offset=*/0);
  // Without memory at start there is nothing to serve; a key that a dump may show is no key.
  if (page == MAP_FAILED || madvise(page, sizeof(KeyPage), MADV_DONTDUMP) != 0 ||
      madvise(page, sizeof(KeyPage), MADV_WIPEONFORK) != 0) {
    std::abort();
  }
  // Refused where RLIMIT_MEMLOCK is used up: the key may then be swapped out, no more.
  (void)mlock(page, sizeof(KeyPage));
  page_ = static_cast<KeyPage*>(page);
  for (size_t i = 0; i < kKeyBytes; i += sizeof(uint64_t)) {
    uint64_t word = random.Next();
    std::memcpy(page_->key + i, &word, sizeof(word));
    OPENSSL_cleanse(&word, sizeof(word));
  }
  const int done = EVP_AEAD_CTX_init(&page_->aead, EVP_aead_aes_256_gcm(), page_->key, kKeyBytes,
                                     kTagBytes, /*impl=*/nullptr);
  OPENSSL_cleanse(page_->key, kKeyBytes);
  if (done != 1) std::abort();
}

Sealer::~Sealer() {
  EVP_AEAD_CTX_cleanup(&page_->aead);
  OPENSSL_cleanse(page_, sizeof(KeyPage));
  munmap(page_, sizeof(KeyPage));
}

SealedSecret Sealer::Seal(std::string_view secret) const {
  assert(page_->has_key());  // a forked child has none
  SealedSecret sealed(kNumberBytes + secret.size() + kTagBytes);
  uint8_t* box = sealed.box_.get();
  const uint64_t number = seals_.fetch_add(1, std::memory_order_relaxed);
  std::memcpy(box, &number, kNumberBytes);
  const auto nonce = NonceOf(box);
  size_t written = 0;
  const int done = EVP_AEAD_CTX_seal(
      &page_->aead, box + kNumberBytes, &written, sealed.size_ - kNumberBytes, nonce.data(),
      nonce.size(), reinterpret_cast<const uint8_t*>(secret.data()), secret.size(), nullptr, 0);
  // Nothing can fail here; what would be kept otherwise is the secret itself, or rubbish.
  if (done != 1 || written != sealed.size_ - kNumberBytes) std::abort();
  return sealed;
}

void Sealer::Open(const SealedSecret& sealed, absl::FunctionRef<void(std::string_view)> use) const {
  assert(!sealed.empty() && page_->has_key());
  const uint8_t* box = sealed.box_.get();
  const auto nonce = NonceOf(box);
  const size_t room = sealed.size_ - kNumberBytes;  // the secret and its tag
  const auto secret = std::make_unique_for_overwrite<uint8_t[]>(room);
  size_t size = 0;
  const int done = EVP_AEAD_CTX_open(&page_->aead, secret.get(), &size, room, nonce.data(),
                                     nonce.size(), box + kNumberBytes, room, nullptr, 0);
  // Another's box, or memory that was written over: no password of this session's is in it.
  if (done != 1) std::abort();
  use({reinterpret_cast<const char*>(secret.get()), size});
  OPENSSL_cleanse(secret.get(), room);
}

}  // namespace poplar::tls
