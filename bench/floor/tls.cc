#include "bench/floor/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstring>

namespace poplar::bench {

bssl::UniquePtr<SSL_CTX> FloorTls::MakeContext(const std::string& certificate,
                                               const std::string& key) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_num_tickets(context.get(), 1);  // as Poplar
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1)
    return nullptr;
  return context;
}

FloorTls::FloorTls(SSL_CTX& context) : ssl_(SSL_new(&context)) {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "floor");
    BIO_meth_set_read(made, &FloorTls::ReadIn);
    BIO_meth_set_write(made, &FloorTls::WriteOut);
    BIO_meth_set_ctrl(made, &FloorTls::Control);
    return made;
  }();
  BIO* bio = BIO_new(method);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_accept_state(ssl_.get());
}

int FloorTls::ReadIn(BIO* bio, char* to, int size) {
  auto* self = static_cast<FloorTls*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self->in_.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const size_t n = std::min(static_cast<size_t>(size), self->in_.size());
  std::memcpy(to, self->in_.data(), n);
  self->in_.remove_prefix(n);
  return static_cast<int>(n);
}

int FloorTls::WriteOut(BIO* bio, const char* from, int size) {
  static_cast<FloorTls*>(BIO_get_data(bio))->out_.append(from, static_cast<size_t>(size));
  return size;
}

long FloorTls::Control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

FloorTls::Progress FloorTls::ProgressOf(int result) const {
  if (result > 0) return Progress::kDone;
  const bool more = SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
  ERR_clear_error();
  return more ? Progress::kWantsMore : Progress::kFailed;
}

FloorTls::Progress FloorTls::Handshake() { return ProgressOf(SSL_do_handshake(ssl_.get())); }

FloorTls::Progress FloorTls::Open(char* into, size_t room, size_t& got) {
  const int result = SSL_read(ssl_.get(), into, static_cast<int>(room));
  got = result > 0 ? static_cast<size_t>(result) : 0;
  return ProgressOf(result);
}

bool FloorTls::Seal(std::string_view plaintext) {
  return SSL_write(ssl_.get(), plaintext.data(), static_cast<int>(plaintext.size())) > 0;
}

}  // namespace poplar::bench
