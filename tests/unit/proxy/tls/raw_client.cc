#include "tests/unit/proxy/tls/raw_client.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>

#include "proxy/tls/certificate.h"

namespace poplar::tls {

struct RawClient::Native {
  bssl::UniquePtr<SSL_CTX> context;
  bssl::UniquePtr<SSL> ssl;

  static int OnSession(SSL* ssl, SSL_SESSION* session) {
    auto* client = static_cast<RawClient*>(SSL_get_app_data(ssl));
    ++client->tickets_;
    uint8_t* bytes = nullptr;
    size_t size = 0;
    if (SSL_SESSION_to_bytes(session, &bytes, &size) == 1) {
      client->session_.assign(reinterpret_cast<const char*>(bytes), size);
      OPENSSL_free(bytes);
    }
    return 0;
  }

  CertificateFacts Peer() const {
    const bssl::UniquePtr<X509> peer(SSL_get_peer_certificate(ssl.get()));
    if (peer == nullptr) return {};
    uint8_t* der = nullptr;
    const int size = i2d_X509(peer.get(), &der);
    const bssl::UniquePtr<uint8_t> owned(der);
    return DescribeDer({reinterpret_cast<const char*>(der), static_cast<size_t>(size)});
  }
};

RawClient::RawClient(const RawClientSettings& settings) : native_(std::make_unique<Native>()) {
  native_->context.reset(SSL_CTX_new(TLS_method()));
  SSL_CTX* context = native_->context.get();
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(context, &Native::OnSession);
  EXPECT_EQ(SSL_CTX_set_min_proto_version(context, settings.version_min), 1);
  EXPECT_EQ(SSL_CTX_set_max_proto_version(context, settings.version_max), 1);
  if (!settings.ciphers.empty()) {
    EXPECT_EQ(SSL_CTX_set_cipher_list(context, settings.ciphers.c_str()), 1);
  }
  if (!settings.groups.empty()) {
    EXPECT_EQ(SSL_CTX_set1_curves_list(context, settings.groups.c_str()), 1);
  }
  if (!settings.signature_algorithms.empty()) {
    EXPECT_EQ(SSL_CTX_set_verify_algorithm_prefs(context, settings.signature_algorithms.data(),
                                                 settings.signature_algorithms.size()),
              1);
  }
  std::string protocols;
  for (const std::string& name : settings.alpn) {
    protocols += static_cast<char>(name.size());
    protocols += name;
  }
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const uint8_t*>(protocols.data()),
                          static_cast<unsigned>(protocols.size()));
  native_->ssl.reset(SSL_new(context));
  SSL* ssl = native_->ssl.get();
  SSL_set_app_data(ssl, this);
  SSL_set_connect_state(ssl);
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  BIO_set_mem_eof_return(SSL_get_rbio(ssl), -1);
  if (!settings.server_name.empty()) {
    SSL_set_tlsext_host_name(ssl, settings.server_name.c_str());
  }
  if (!settings.session.empty()) {
    const bssl::UniquePtr<SSL_SESSION> session(
        SSL_SESSION_from_bytes(reinterpret_cast<const uint8_t*>(settings.session.data()),
                               settings.session.size(), context));
    EXPECT_EQ(SSL_set_session(ssl, session.get()), 1);
  }
}

RawClient::~RawClient() = default;

bool RawClient::Handshake() {
  if (handshaken_) return true;
  const int result = SSL_do_handshake(native_->ssl.get());
  if (result == 1) {
    handshaken_ = true;
  } else {
    Note(result);
  }
  Collect();
  return handshaken_;
}

void RawClient::Receive(std::string_view bytes) {
  BIO_write(SSL_get_rbio(native_->ssl.get()), bytes.data(), static_cast<int>(bytes.size()));
}

std::string RawClient::Read() {
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const int result = SSL_read(native_->ssl.get(), piece.data(), piece.size());
    if (result <= 0) {
      Note(result);
      break;
    }
    text.append(piece.data(), static_cast<size_t>(result));
  }
  Collect();
  return text;
}

void RawClient::Write(std::string_view bytes) {
  EXPECT_EQ(SSL_write(native_->ssl.get(), bytes.data(), static_cast<int>(bytes.size())),
            static_cast<int>(bytes.size()));
  Collect();
}

void RawClient::CloseNotify() {
  SSL_shutdown(native_->ssl.get());
  Collect();
}

void RawClient::KeyUpdate() {
  EXPECT_EQ(SSL_key_update(native_->ssl.get(), SSL_KEY_UPDATE_REQUESTED), 1);
  SSL_write(native_->ssl.get(), "", 0);  // sends what is pending
  Collect();
}

bool RawClient::resumed() const { return SSL_session_reused(native_->ssl.get()) == 1; }

std::string RawClient::peer_key_type() const { return native_->Peer().key_type; }

std::string RawClient::peer_subject() const { return native_->Peer().subject; }

std::string RawClient::alpn() const {
  const uint8_t* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(native_->ssl.get(), &name, &size);
  return std::string(reinterpret_cast<const char*>(name), size);
}

void RawClient::Collect() {
  BIO* out = SSL_get_wbio(native_->ssl.get());
  const uint8_t* bytes = nullptr;
  size_t size = 0;
  BIO_mem_contents(out, &bytes, &size);
  sent.append(reinterpret_cast<const char*>(bytes), size);
  BIO_reset(out);
}

void RawClient::Note(int result) {
  const int kind = SSL_get_error(native_->ssl.get(), result);
  if (kind == SSL_ERROR_ZERO_RETURN) peer_closed_ = true;
  if (kind == SSL_ERROR_SSL && error.empty()) {
    const char* text = ERR_reason_error_string(ERR_peek_error());
    error = text == nullptr ? "unknown" : text;
  }
  ERR_clear_error();
}

}  // namespace poplar::tls
