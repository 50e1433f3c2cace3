#include "bench/generator/tls_client.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <climits>

namespace poplar::bench {
namespace {

// A ticket comes behind the handshake, with the first bytes that are read.
int KeepTicket(SSL* connection, SSL_SESSION* session) {
  auto* place = static_cast<TlsTicket*>(SSL_get_app_data(connection));
  if (place == nullptr) return 0;
  place->reset(session);
  return 1;  // ours now
}

}  // namespace

void FreeTls::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
void FreeTls::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }
void FreeTls::operator()(ssl_st* connection) const { SSL_free(connection); }

TlsContext MakeTlsContext() {
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return context;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), KeepTicket);
  return context;
}

std::string TlsLibrary() { return OpenSSL_version(OPENSSL_VERSION); }

TlsConnection::TlsConnection(ssl_ctx_st& context, int socket, TlsTicket* ticket)
    : connection_(SSL_new(&context)), ticket_(ticket) {
  SSL_set_fd(connection_.get(), socket);
  SSL_set_app_data(connection_.get(), ticket);
  SSL_set_connect_state(connection_.get());
}

void TlsConnection::OfferTicket() {
  if (ticket_ != nullptr && *ticket_ != nullptr) SSL_set_session(connection_.get(), ticket_->get());
}

TlsResult TlsConnection::ResultOf(int returned) const {
  switch (SSL_get_error(connection_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return TlsResult::kAgain;
    case SSL_ERROR_ZERO_RETURN:
      return TlsResult::kClosed;
    default:
      return TlsResult::kFailed;
  }
}

TlsResult TlsConnection::Handshake() {
  ERR_clear_error();
  const int returned = SSL_do_handshake(connection_.get());
  return returned == 1 ? TlsResult::kDone : ResultOf(returned);
}

bool TlsConnection::resumed() const { return SSL_session_reused(connection_.get()) == 1; }

TlsResult TlsConnection::Write(std::string_view& rest) {
  ERR_clear_error();
  while (!rest.empty()) {
    const int returned = SSL_write(connection_.get(), rest.data(),
                                   static_cast<int>(std::min<size_t>(rest.size(), INT_MAX)));
    if (returned <= 0) return ResultOf(returned);
    rest.remove_prefix(static_cast<size_t>(returned));
  }
  return TlsResult::kDone;
}

TlsResult TlsConnection::Read(char* into, size_t room, size_t& got) {
  ERR_clear_error();
  const int returned =
      SSL_read(connection_.get(), into, static_cast<int>(std::min<size_t>(room, INT_MAX)));
  if (returned <= 0) return ResultOf(returned);
  got = static_cast<size_t>(returned);
  return TlsResult::kDone;
}

void TlsConnection::CloseNotify() {
  ERR_clear_error();
  SSL_shutdown(connection_.get());
}

}  // namespace poplar::bench
