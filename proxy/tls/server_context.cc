#include "proxy/tls/server_context.h"

#include <openssl/bio.h>
#include <openssl/cipher.h>
#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "proxy/tls/certificate_selection.h"
#include "proxy/tls/profile.h"

namespace poplar::tls {

namespace {

using Error = tl::unexpected<std::string>;

// Sessions stay resumable this long: a client that looks for mail a few times a day still profits,
// and a stolen key opens little. Seconds.
constexpr uint32_t kTicketLifetime = 12 * 3600;

// Tickets of one process fit all its contexts, whatever their certificates.
constexpr uint8_t kSessionIdContext[] = {'p', 'o', 'p', 'l', 'a', 'r'};

// All that a client may offer fits; a hello with more of them is cut here, which only means that
// less is known.
constexpr size_t kOfferedNumbersMax = 256;

struct Numbers {
  uint16_t data[kOfferedNumbersMax];
  size_t size = 0;

  void Parse(const uint8_t* bytes, size_t length) {
    for (size_t i = 0; i + 1 < length && size < kOfferedNumbersMax; i += 2) {
      data[size++] = static_cast<uint16_t>(bytes[i] << 8 | bytes[i + 1]);
    }
  }
  std::span<const uint16_t> Span() const { return {data, size}; }
};

// A list of 16-bit numbers behind a length of `prefix` bytes.
void ParseExtension(const SSL_CLIENT_HELLO* hello, uint16_t type, size_t prefix, Numbers& numbers) {
  const uint8_t* bytes = nullptr;
  size_t size = 0;
  if (SSL_early_callback_ctx_extension_get(hello, type, &bytes, &size) != 1) return;
  if (size > prefix) numbers.Parse(bytes + prefix, size - prefix);
}

}  // namespace

struct ServerContext::Native {
  // One a certificate, alike in all else.
  std::vector<bssl::UniquePtr<SSL_CTX>> contexts;
};

struct ServerCallbacks {
  static const ServerContext& Of(const SSL* ssl) {
    return *static_cast<const ServerContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  }

  static ssl_select_cert_result_t SelectCertificate(const SSL_CLIENT_HELLO* hello) {
    const ServerContext& context = Of(hello->ssl);
    if (context.certificates_.size() == 1) return ssl_select_cert_success;
    Numbers algorithms;
    Numbers suites;
    Numbers versions;
    ParseExtension(hello, TLSEXT_TYPE_signature_algorithms, 2, algorithms);
    ParseExtension(hello, TLSEXT_TYPE_supported_versions, 1, versions);
    suites.Parse(hello->cipher_suites, hello->cipher_suites_len);
    ClientOffer offer;
    if (const char* name = SSL_get_servername(hello->ssl, TLSEXT_NAMETYPE_host_name)) {
      offer.server_name = name;
    }
    offer.signature_algorithms = algorithms.Span();
    offer.cipher_suites = suites.Span();
    offer.tls13 = context.version_max_ == Version::kTls13 &&
                  std::ranges::find(versions.Span(), TLS1_3_VERSION) != versions.Span().end();
    const size_t chosen = tls::SelectCertificate(context.certificates_, offer);
    if (chosen > 0) SSL_set_SSL_CTX(hello->ssl, context.native_->contexts[chosen].get());
    return ssl_select_cert_success;
  }

  // A client that names protocols but not ours was lured here from elsewhere (the ALPACA attack).
  static int SelectAlpn(SSL* ssl, const uint8_t** out, uint8_t* out_size, const uint8_t* in,
                        unsigned in_size, void* /*context*/) {
    for (size_t i = 0; i < in_size; i += size_t{in[i]} + 1) {
      const std::string_view name(reinterpret_cast<const char*>(in + i + 1), in[i]);
      if (name != Of(ssl).alpn_) continue;
      *out = in + i + 1;
      *out_size = in[i];
      return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }

  // The library's contract: 1 done, 2 done but renew it, 0 not ours, -1 give up.
  static int TicketKey(SSL* ssl, uint8_t* name, uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* hmac,
                       int sealing) {
    const TicketKeys& keys = *Of(ssl).ticket_keys_;
    const TicketKeys::Key* key = &keys.sealing();
    if (sealing == 1) {
      std::memcpy(name, key->name.data(), key->name.size());
      RAND_bytes(iv, EVP_MAX_IV_LENGTH);
    } else {
      key = keys.Find(std::span<const uint8_t, 16>(name, 16));
      if (key == nullptr) return 0;
    }
    const EVP_CIPHER* const algorithm = key->bytes == 16 ? EVP_aes_128_cbc() : EVP_aes_256_cbc();
    if (HMAC_Init_ex(hmac, key->mac.data(), key->bytes, EVP_sha256(), nullptr) != 1) return -1;
    if (EVP_CipherInit_ex(cipher, algorithm, nullptr, key->cipher.data(), iv, sealing) != 1)
      return -1;
    return sealing == 1 || key == &keys.sealing() ? 1 : 2;
  }

  // False: the library refused something, which only a lack of memory explains.
  static bool Configure(SSL_CTX* native, const ServerContext& context,
                        const ServerSettings& settings) {
    SSL_CTX_set_app_data(native, const_cast<ServerContext*>(&context));
    SSL_CTX_set_options(native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    const bool asks = settings.client_certificates != ClientCertificates::kOff;
    if (asks) {
      const bool required = settings.client_certificates == ClientCertificates::kRequired;
      SSL_CTX_set_verify(native, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                         nullptr);
    }
    if (!settings.session_tickets || asks) SSL_CTX_set_options(native, SSL_OP_NO_TICKET);
    SSL_CTX_set_options(native, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_early_data_enabled(native, 0);  // a login could be replayed
    // The library's two take half as much again of what a resumed handshake takes; a mail client
    // comes on one connection at a time, and gets another ticket each time.
    SSL_CTX_set_num_tickets(native, 1);
    SSL_CTX_set_timeout(native, kTicketLifetime);
    SSL_CTX_set_session_psk_dhe_timeout(native, kTicketLifetime);
    SSL_CTX_set_alpn_select_cb(native, &SelectAlpn, nullptr);
    SSL_CTX_set_select_certificate_cb(native, &SelectCertificate);
    return SSL_CTX_set_min_proto_version(native, static_cast<uint16_t>(settings.version_min)) &&
           SSL_CTX_set_max_proto_version(native, static_cast<uint16_t>(settings.version_max)) &&
           SSL_CTX_set_strict_cipher_list(native, kTls12Suites) &&
           SSL_CTX_set1_curves_list(native, Groups()) &&
           SSL_CTX_set_session_id_context(native, kSessionIdContext, sizeof(kSessionIdContext)) &&
           SSL_CTX_set_tlsext_ticket_key_cb(native, &TicketKey);
  }

  // The reason why not, or empty.
  static std::string TrustClients(SSL_CTX* native, const std::string& path) {
    const bssl::UniquePtr<STACK_OF(X509_NAME)> names(SSL_load_client_CA_file(path.c_str()));
    const int loaded = SSL_CTX_load_verify_locations(native, path.c_str(), nullptr);
    ERR_clear_error();
    if (names == nullptr || loaded != 1)
      return path + ": cannot be read, or no certificate in it (expected PEM: " +
             "-----BEGIN CERTIFICATE-----)";
    SSL_CTX_set_client_CA_list(native, SSL_dup_CA_list(names.get()));
    return {};
  }

  // Of a text that InspectPem found good.
  static bool UseCertificate(SSL_CTX* native, const CertificatePem& pem) {
    const bssl::UniquePtr<BIO> chain(
        BIO_new_mem_buf(pem.certificate.data(), static_cast<int>(pem.certificate.size())));
    const bssl::UniquePtr<X509> own(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
    if (own == nullptr || SSL_CTX_use_certificate(native, own.get()) != 1) return false;
    while (X509* next = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)) {
      const bssl::UniquePtr<X509> issuer(next);
      if (SSL_CTX_add1_chain_cert(native, issuer.get()) != 1) return false;
    }
    ERR_clear_error();
    const bssl::UniquePtr<BIO> in(
        BIO_new_mem_buf(pem.key.data(), static_cast<int>(pem.key.size())));
    const bssl::UniquePtr<EVP_PKEY> key(
        PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
    return key != nullptr && SSL_CTX_use_PrivateKey(native, key.get()) == 1;
  }

  // The reason why not, or empty.
  static std::string Add(ServerContext& context, const ServerSettings& settings,
                         const CertificatePem& pem, std::string_view certificate_where,
                         std::string_view key_where) {
    auto facts = InspectPem(pem, certificate_where, key_where);
    if (!facts) return std::move(facts.error());
    bssl::UniquePtr<SSL_CTX> native(SSL_CTX_new(TLS_method()));
    const bool good = native != nullptr && Configure(native.get(), context, settings) &&
                      UseCertificate(native.get(), pem);
    if (!good) {
      const char* reason = ERR_reason_error_string(ERR_peek_error());
      ERR_clear_error();
      return std::string(certificate_where) + ": the TLS library does not take it: " +
             (reason == nullptr ? "no reason given" : reason);
    }
    if (settings.client_certificates != ClientCertificates::kOff) {
      std::string error = TrustClients(native.get(), settings.client_ca_file);
      if (!error.empty()) return error;
    }
    context.certificates_.push_back(std::move(*facts));
    context.native_->contexts.push_back(std::move(native));
    return {};
  }

  static std::string AddFiles(ServerContext& context, const ServerSettings& settings,
                              const CertificateFiles& files) {
    auto certificate = ReadPem(files.certificate);
    if (!certificate) return std::move(certificate.error());
    auto key = ReadPem(files.key);
    if (!key) return std::move(key.error());
    CertificatePem pem{std::move(*certificate), std::move(*key)};
    std::string error = Add(context, settings, pem, files.certificate, files.key);
    OPENSSL_cleanse(pem.key.data(), pem.key.size());
    return error;
  }
};

ServerContext::ServerContext() : native_(std::make_unique<Native>()) {}
ServerContext::~ServerContext() = default;

tl::expected<std::shared_ptr<const ServerContext>, std::string> ServerContext::Create(
    const ServerSettings& settings) {
  if (settings.version_min > settings.version_max) {
    return Error("tls: the lowest version allowed is above the highest");
  }
  std::shared_ptr<ServerContext> context(new ServerContext);
  context->alpn_ = settings.alpn;
  context->version_max_ = settings.version_max;
  context->client_certificates_ = settings.client_certificates;
  context->client_name_ = settings.client_name;
  context->ticket_keys_ =
      settings.ticket_keys != nullptr ? settings.ticket_keys : TicketKeys::Generate();
  for (const CertificateFiles& files : settings.certificates) {
    std::string error = ServerCallbacks::AddFiles(*context, settings, files);
    if (!error.empty()) return Error(std::move(error));
  }
  for (const CertificatePem& pem : settings.certificates_in_memory) {
    std::string error =
        ServerCallbacks::Add(*context, settings, pem, "certificate in memory", "key in memory");
    if (!error.empty()) return Error(std::move(error));
  }
  if (context->certificates_.empty()) return Error("tls: no certificate to serve with");
  return context;
}

std::unique_ptr<Engine> ServerContext::NewConnection() const {
  SSL* ssl = SSL_new(native_->contexts.front().get());
  SSL_set_accept_state(ssl);
  return std::unique_ptr<Engine>(new Engine(ssl, shared_from_this()));
}

std::string ServerContext::UserOf(const Engine& connection) const {
  if (client_certificates_ == ClientCertificates::kOff) return {};
  return UserOfCertificate(connection.peer_certificate(), client_name_);
}

}  // namespace poplar::tls
