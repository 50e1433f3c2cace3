#include "proxy/tls/client_context.h"

#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "proxy/tls/certificate.h"
#include "proxy/tls/profile.h"

namespace poplar::tls {

namespace {

using Error = tl::unexpected<std::string>;

// Of a node's chain no more than this is read.
constexpr size_t kChainBytesMax = size_t{64} * 1024;

// Seconds; a node may say less. That long a node needn't show its certificate again. (The library
// ends a chain of TLS 1.3 resumptions after 7 days.)
constexpr uint32_t kSessionLifetime = 2 * 3600;

// Names quoted in an error; a certificate may bear hundreds.
constexpr size_t kNamesQuotedMax = 3;
constexpr size_t kQuotedBytesMax = 128;

// A stranger's text, short and printable.
std::string Quote(std::string_view text) {
  std::string quoted(text.substr(0, kQuotedBytesMax));
  std::ranges::replace_if(quoted, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return quoted;
}

std::string NamesText(const CertificateFacts& facts) {
  std::vector<std::string> names = facts.dns_names;
  names.insert(names.end(), facts.ip_addresses.begin(), facts.ip_addresses.end());
  if (names.empty()) return Quote(facts.subject) + " (no names that count)";
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kNamesQuotedMax); ++i) {
    text += (i == 0 ? "" : ", ") + Quote(names[i]);
  }
  if (names.size() > kNamesQuotedMax) {
    text += " and " + std::to_string(names.size() - kNamesQuotedMax) + " more";
  }
  return text;
}

CertificateFacts Facts(const X509* certificate) {
  uint8_t* der = nullptr;
  // Debian's level takes it without const.
  const int size = i2d_X509(const_cast<X509*>(certificate), &der);
  if (size <= 0) return {};
  const bssl::UniquePtr<uint8_t> owned(der);
  return DescribeDer({reinterpret_cast<const char*>(der), static_cast<size_t>(size)});
}

std::string Explain(int error, const CertificateFacts& facts, const std::string& host) {
  switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "certificate is for " + NamesText(facts) + ", not " + host;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "certificate of " + NamesText(facts) + " expired on " + FormatUtc(facts.not_after);
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "certificate of " + NamesText(facts) + " is not valid before " +
             FormatUtc(facts.not_before);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "certificate of " + NamesText(facts) + " is self-signed and not in the CA file";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "certificate of " + NamesText(facts) + " comes from an authority that is not in the " +
             "CA file: " + Quote(facts.issuer);
    default:
      return "certificate of " + NamesText(facts) +
             " is not acceptable: " + X509_verify_cert_error_string(error);
  }
}

CertificateFault::Kind KindOf(int error, const X509_STORE_CTX* store) {
  using Kind = CertificateFault::Kind;
  switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Kind::kWrongName;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return Kind::kExpired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Kind::kNotYetValid;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return Kind::kSelfSigned;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
      // Debian's level takes it without const.
      const auto* shown = X509_STORE_CTX_get0_untrusted(const_cast<X509_STORE_CTX*>(store));
      return shown != nullptr && sk_X509_num(shown) > 1 ? Kind::kUnknownAuthority
                                                        : Kind::kIncompleteChain;
    }
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return Kind::kUnknownAuthority;
    default:
      return Kind::kOther;
  }
}

// What a node is shown that asks who we are. The reason why not, or empty.
std::string LoadIdentity(SSL_CTX* native, const CertificateFiles& files) {
  if (files.certificate.empty()) return {};
  const std::string& key = files.key.empty() ? files.certificate : files.key;
  const auto facts = InspectCertificate(files.certificate, key);
  if (!facts) return facts.error();
  const bool good = SSL_CTX_use_certificate_chain_file(native, files.certificate.c_str()) == 1 &&
                    SSL_CTX_use_PrivateKey_file(native, key.c_str(), SSL_FILETYPE_PEM) == 1;
  ERR_clear_error();
  return good ? "" : files.certificate + ": the library takes it not, or not its key";
}

}  // namespace

struct ClientContext::Native {
  bssl::UniquePtr<SSL_CTX> context;
};

struct ClientCallbacks {
  static int OnVerify(int good, X509_STORE_CTX* store) {
    if (good == 1) return 1;
    auto* ssl =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* engine = static_cast<Engine*>(SSL_get_app_data(ssl));
    const X509* certificate = X509_STORE_CTX_get_current_cert(store);
    const CertificateFacts facts = certificate == nullptr ? CertificateFacts() : Facts(certificate);
    engine->NoteVerifyFailure(
        Explain(X509_STORE_CTX_get_error(store), facts, engine->client_->host));
    return 0;
  }

  static int OnVerifyReporting(int good, X509_STORE_CTX* store) {
    if (good == 1) return 1;
    auto* ssl =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* engine = static_cast<Engine*>(SSL_get_app_data(ssl));
    const int error = X509_STORE_CTX_get_error(store);
    const X509* certificate = X509_STORE_CTX_get_current_cert(store);
    const CertificateFacts facts = certificate == nullptr ? CertificateFacts() : Facts(certificate);
    engine->NoteCertificateFault(
        {KindOf(error, store), Explain(error, facts, engine->client_->host)});
    return 1;
  }

  // 1: the session is ours now.
  static int OnNewSession(SSL* ssl, SSL_SESSION* session) {
    const auto* engine = static_cast<const Engine*>(SSL_get_app_data(ssl));
    const Engine::Client& client = *engine->client_;
    if (client.sessions == nullptr) return 0;
    client.sessions->Add({engine->context_, client.host, client.unix_seconds}, session);
    return 1;
  }

  static bool Configure(SSL_CTX* native, const ClientSettings& settings) {
    // RFC 7301 section 3.1: each name behind its length.
    const std::string offer = static_cast<char>(settings.alpn.size()) + settings.alpn;
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(native, &OnNewSession);
    SSL_CTX_set_timeout(native, kSessionLifetime);
    SSL_CTX_set_session_psk_dhe_timeout(native, kSessionLifetime);
    SSL_CTX_set_early_data_enabled(native, 0);
    SSL_CTX_set_max_cert_list(native, kChainBytesMax);
    switch (settings.verify) {
      case ClientSettings::Verify::kFull:
        SSL_CTX_set_verify(native, SSL_VERIFY_PEER, &OnVerify);
        break;
      case ClientSettings::Verify::kReport:
        SSL_CTX_set_verify(native, SSL_VERIFY_PEER, &OnVerifyReporting);
        break;
      case ClientSettings::Verify::kInsecure:
        SSL_CTX_set_verify(native, SSL_VERIFY_NONE, nullptr);
        break;
    }
    return SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) &&
           SSL_CTX_set_max_proto_version(native, TLS1_3_VERSION) &&
           SSL_CTX_set_strict_cipher_list(native, kTls12Suites) &&
           SSL_CTX_set1_curves_list(native, Groups()) &&
           SSL_CTX_set_alpn_protos(native, reinterpret_cast<const uint8_t*>(offer.data()),
                                   static_cast<unsigned>(offer.size())) == 0;
  }

  // The reason why not, or empty.
  static std::string LoadAuthorities(SSL_CTX* native, const std::string& path) {
    if (FILE* file = std::fopen(path.c_str(), "re")) {
      std::fclose(file);
    } else {
      return path + ": cannot be read: " + std::strerror(errno) +
             (path == ClientContext::kSystemBundle
                  ? "; install the package ca-certificates, or name a CA file"
                  : "");
    }
    const int loaded = SSL_CTX_load_verify_locations(native, path.c_str(), nullptr);
    ERR_clear_error();
    if (loaded == 1) return {};
    return path + ": no certificate in it (expected PEM: -----BEGIN CERTIFICATE-----)";
  }
};

ClientContext::ClientContext() : native_(std::make_unique<Native>()) {}
ClientContext::~ClientContext() = default;

tl::expected<std::shared_ptr<const ClientContext>, std::string> ClientContext::Create(
    const ClientSettings& settings) {
  std::shared_ptr<ClientContext> context(new ClientContext);
  context->verify_ = settings.verify;
  bssl::UniquePtr<SSL_CTX>& native = context->native_->context;
  native.reset(SSL_CTX_new(TLS_method()));
  if (native == nullptr || !ClientCallbacks::Configure(native.get(), settings)) {
    ERR_clear_error();
    return Error("tls: the library does not take the settings towards nodes");
  }
  if (settings.verify != ClientSettings::Verify::kInsecure) {
    std::string error = ClientCallbacks::LoadAuthorities(
        native.get(), settings.ca_file.empty() ? kSystemBundle : settings.ca_file);
    if (!error.empty()) return Error(std::move(error));
  }
  std::string error = LoadIdentity(native.get(), settings.certificate);
  if (!error.empty()) return Error(std::move(error));
  return context;
}

std::unique_ptr<Engine> ClientContext::NewConnection(std::string_view host, int64_t unix_seconds,
                                                     ClientSessions* sessions) const {
  if (host.ends_with('.')) host.remove_suffix(1);  // certificates bear no trailing dot
  const std::string name(host);
  SSL* ssl = SSL_new(native_->context.get());
  SSL_set_connect_state(ssl);
  X509_VERIFY_PARAM* verification = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_time(verification, unix_seconds);
  X509_VERIFY_PARAM_set_hostflags(
      verification, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (X509_VERIFY_PARAM_set1_ip_asc(verification, name.c_str()) != 1) {
    SSL_set_tlsext_host_name(ssl, name.c_str());
    X509_VERIFY_PARAM_set1_host(verification, name.data(), name.size());
  }
  std::unique_ptr<Engine> engine(new Engine(ssl, shared_from_this()));
  SSL_set_app_data(ssl, engine.get());  // for ClientCallbacks
  engine->client_ = std::make_unique<Engine::Client>(Engine::Client{name, sessions, unix_seconds});
  if (sessions != nullptr) {
    const bssl::UniquePtr<SSL_SESSION> session(static_cast<SSL_SESSION*>(sessions->Take(
        {engine->context_, name, unix_seconds}, verify_ != ClientSettings::Verify::kInsecure)));
    engine->client_->offered = session != nullptr && SSL_set_session(ssl, session.get()) == 1;
  }
  ERR_clear_error();
  return engine;
}

}  // namespace poplar::tls
