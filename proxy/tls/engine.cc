#include "proxy/tls/engine.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "proxy/tls/client_sessions.h"

namespace poplar::tls {

namespace {

SSL* Ssl(void* ssl) { return static_cast<SSL*>(ssl); }

// What the library may write while there is no output buffer: an alert, and before it what it had
// put off (session tickets, the answer to a KeyUpdate).
constexpr size_t kAlertBytesMax = 4096;

// The code for ClassifySslError of a fatal alert in the clear with which `bytes` end; 0: there is
// none (RFC 8446 sections 5.1 and 6).
int PlainAlertAtTheEnd(std::string_view bytes) {
  constexpr size_t kRecordBytes = 7;
  if (bytes.size() < kRecordBytes) return 0;
  const std::string_view record = bytes.substr(bytes.size() - kRecordBytes);
  const bool fatal =
      record.starts_with("\x15\x03") && record.substr(3, 3) == std::string_view("\0\x02\x02", 3);
  return fatal ? SSL_AD_REASON_OFFSET + static_cast<unsigned char>(record.back()) : 0;
}

}  // namespace

struct Engine::Failure {
  FailureReason reason = FailureReason::kNone;
  std::string text;
};

// Lends the buffers for the length of one call, and leaves the thread's error queue empty. The
// library empties it by itself at the beginning of each, and takes 300 instructions for an empty
// one.
class Engine::Borrow {
 public:
  Borrow(Engine& engine, io::Buffer* in, io::Buffer* out);
  ~Borrow();
  Borrow(const Borrow&) = delete;
  Borrow& operator=(const Borrow&) = delete;

 private:
  friend struct EngineBio;
  Engine& engine_;
  io::Buffer* const in_;
  io::Buffer* const out_;
};

// The library's view of the buffers that are lent. A pair of its own BIOs would cost 34 KiB a
// connection; so each thread has one of these, which the engine has whose call is running.
struct EngineBio {
  static int Read(BIO* bio, char* to, int size) {
    io::Buffer* in = static_cast<Engine::Borrow*>(BIO_get_data(bio))->in_;
    BIO_clear_retry_flags(bio);
    if (in == nullptr || in->empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const size_t n = std::min(static_cast<size_t>(size), in->size());
    std::memcpy(to, in->bytes().data(), n);
    in->Consume(n);
    return static_cast<int>(n);
  }

  static int Write(BIO* bio, const char* from, int size) {
    const auto* lent = static_cast<Engine::Borrow*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const std::string_view bytes(from, static_cast<size_t>(size));
    const size_t n = lent->out_ != nullptr ? lent->out_->Append(bytes) : Keep(lent->engine_, bytes);
    if (n == 0) {
      BIO_set_retry_write(bio);
      return -1;
    }
    return static_cast<int>(n);
  }

  static size_t Keep(Engine& engine, std::string_view alert) {
    if (engine.alert_ == nullptr) engine.alert_ = std::make_unique<std::string>();
    if (engine.alert_->size() + alert.size() > kAlertBytesMax) return 0;
    engine.alert_->append(alert);
    return alert.size();
  }

  static long Control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static BIO* New() {
    static const BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "lent buffers");
      BIO_meth_set_read(made, &EngineBio::Read);
      BIO_meth_set_write(made, &EngineBio::Write);
      BIO_meth_set_ctrl(made, &EngineBio::Control);
      return made;
    }();
    BIO* bio = BIO_new(method);
    BIO_set_init(bio, 1);
    return bio;
  }

  static BIO* OfThread() {
    thread_local const bssl::UniquePtr<BIO> bio(New());
    return bio.get();
  }
};

Engine::Borrow::Borrow(Engine& engine, io::Buffer* in, io::Buffer* out)
    : engine_(engine), in_(in), out_(out) {
  BIO* bio = EngineBio::OfThread();
  assert(BIO_get_data(bio) == nullptr);
  BIO_set_data(bio, this);
  BIO_up_ref(bio);
  SSL_set_bio(Ssl(engine_.ssl_), bio, bio);
}

Engine::Borrow::~Borrow() {
  SSL_set_bio(Ssl(engine_.ssl_), nullptr, nullptr);
  BIO_set_data(EngineBio::OfThread(), nullptr);
  if (ERR_peek_error() != 0) ERR_clear_error();
}

Engine::Engine(void* ssl, std::shared_ptr<const void> context)
    : ssl_(ssl), context_(std::move(context)) {
  SSL_set_mode(Ssl(ssl_), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_shed_handshake_config(Ssl(ssl_), 1);
}

Engine::~Engine() { SSL_free(Ssl(ssl_)); }

Status Engine::Handshake(io::Buffer& ciphertext, io::Buffer& out) {
  if (failure_ != nullptr) return Status::kFailed;
  assert(!handshaken_);
  const std::string_view arrived = ciphertext.bytes();
  Borrow borrow(*this, &ciphertext, &out);
  const int result = SSL_do_handshake(Ssl(ssl_));
  if (result != 1) {
    const Status status = Outcome(result);
    if (status == Status::kFailed)
      NotePlainAlert(arrived.substr(0, arrived.size() - ciphertext.size()));
    return status;
  }
  handshaken_ = true;
  readable_ = SSL_has_pending(Ssl(ssl_)) != 0;
  return Status::kOk;
}

Status Engine::Read(io::Buffer& ciphertext, io::Buffer& plaintext) {
  if (failure_ != nullptr) return Status::kFailed;
  assert(handshaken_ && !plaintext.room().empty());
  Borrow borrow(*this, &ciphertext, nullptr);
  bool some = false;
  while (!plaintext.room().empty()) {
    const auto room = plaintext.room();
    const int result = SSL_read(Ssl(ssl_), room.data(), static_cast<int>(room.size()));
    if (result <= 0) {
      const Status status = Outcome(result);
      readable_ = status != Status::kWantInput;
      return some ? Status::kOk : status;
    }
    plaintext.Commit(static_cast<size_t>(result));
    some = true;
  }
  readable_ = true;
  return Status::kOk;
}

bool Engine::HoldsInput() const { return readable_ || SSL_has_pending(Ssl(ssl_)) != 0; }

Status Engine::Write(std::string_view bytes, size_t* taken, io::Buffer& out) {
  *taken = 0;
  if (failure_ != nullptr) return Status::kFailed;
  assert(handshaken_);
  Borrow borrow(*this, nullptr, &out);
  while (!bytes.empty()) {
    // No sliver of a record at the end of a buffer, and so (nearly) never half a record kept back
    // by the library.
    const size_t piece = std::min(bytes.size(), kRecordBytesMax);
    if (!out.empty() && out.room().size() < piece + kSealBytesMax) return Status::kWantOutput;
    const int result = SSL_write(Ssl(ssl_), bytes.data(), static_cast<int>(piece));
    if (result <= 0) return Outcome(result);
    bytes.remove_prefix(static_cast<size_t>(result));
    *taken += static_cast<size_t>(result);
  }
  return Status::kOk;
}

Status Engine::Shutdown(io::Buffer& out) {
  if (failure_ != nullptr) return Status::kFailed;
  Borrow borrow(*this, nullptr, &out);
  const int result = SSL_shutdown(Ssl(ssl_));
  if (result >= 0) return Status::kOk;
  const Status status = Outcome(result);
  // It wants the peer's close_notify, too: that is Read's business.
  return status == Status::kWantInput ? Status::kOk : status;
}

std::string Engine::TakeAlert() {
  if (alert_ == nullptr) return {};
  std::string alert = std::move(*alert_);
  alert_.reset();
  return alert;
}

Status Engine::Outcome(int result) {
  switch (SSL_get_error(Ssl(ssl_), result)) {
    case SSL_ERROR_WANT_READ:
      return Status::kWantInput;
    case SSL_ERROR_WANT_WRITE:
      return Status::kWantOutput;
    case SSL_ERROR_ZERO_RETURN:
      return Status::kClosed;
    default:
      Fail();
      return Status::kFailed;
  }
}

void Engine::Fail() {
  if (failure_ == nullptr) failure_ = std::make_unique<Failure>();
  // Perhaps it was the session that the node couldn't bear: the next try must not stumble over it.
  OnPeerLeft();
  const bool hello_done = handshaken_ || SSL_get_pending_cipher(Ssl(ssl_)) != nullptr;
  uint32_t error = 0;
  // The library's own word tells more than what its ASN.1 parser said below it.
  while (const uint32_t next = ERR_get_error()) {
    if (error == 0 || (ERR_GET_LIB(error) != ERR_LIB_SSL && ERR_GET_LIB(next) == ERR_LIB_SSL)) {
      error = next;
    }
  }
  failure_->reason = ERR_GET_LIB(error) == ERR_LIB_SSL
                         ? ClassifySslError(ERR_GET_REASON(error), hello_done)
                         : FailureReason::kOther;
  if (!failure_->text.empty()) return;
  const char* text = error == 0 ? nullptr : ERR_reason_error_string(error);
  failure_->text = text == nullptr ? "unknown" : text;
}

// OpenSSL's clients refuse a certificate of TLS 1.3 in the clear, where the library expects
// ciphertext and finds a broken record.
void Engine::NotePlainAlert(std::string_view read) {
  if (failure_->reason != FailureReason::kProtocol) return;
  const int alert = PlainAlertAtTheEnd(read);
  if (alert == 0) return;
  failure_->reason = ClassifySslError(alert, true);
  failure_->text = std::string("alert in the clear: ") +
                   SSL_alert_desc_string_long(alert - SSL_AD_REASON_OFFSET);
}

void Engine::OnPeerLeft() {
  if (handshaken_ || client_ == nullptr || !std::exchange(client_->offered, false)) return;
  client_->sessions->OnRefused(client_->unix_seconds);
}

void Engine::NoteVerifyFailure(std::string text) {
  if (failure_ == nullptr) failure_ = std::make_unique<Failure>();
  failure_->text = std::move(text);
}

void Engine::NoteCertificateFault(CertificateFault fault) {
  std::vector<CertificateFault>& known = client_->faults;
  const auto same = [&fault](const CertificateFault& each) { return each.kind == fault.kind; };
  if (std::none_of(known.begin(), known.end(), same)) known.push_back(std::move(fault));
}

const std::vector<CertificateFault>& Engine::certificate_faults() const {
  static const std::vector<CertificateFault> kNone;
  return client_ == nullptr ? kNone : client_->faults;
}

FailureReason Engine::failure() const {
  return failure_ == nullptr ? FailureReason::kNone : failure_->reason;
}

std::string_view Engine::failure_text() const {
  return failure_ == nullptr ? std::string_view() : std::string_view(failure_->text);
}

std::string_view Engine::peer_certificate() const {
  const STACK_OF(CRYPTO_BUFFER)* chain = SSL_get0_peer_certificates(Ssl(ssl_));
  if (chain == nullptr || sk_CRYPTO_BUFFER_num(chain) == 0) return {};
  const CRYPTO_BUFFER* own = sk_CRYPTO_BUFFER_value(chain, 0);
  return {reinterpret_cast<const char*>(CRYPTO_BUFFER_data(own)), CRYPTO_BUFFER_len(own)};
}

std::vector<std::string_view> Engine::peer_chain() const {
  const STACK_OF(CRYPTO_BUFFER)* chain = SSL_get0_peer_certificates(Ssl(ssl_));
  std::vector<std::string_view> all;
  for (size_t i = 0; chain != nullptr && i < sk_CRYPTO_BUFFER_num(chain); ++i) {
    const CRYPTO_BUFFER* each = sk_CRYPTO_BUFFER_value(chain, i);
    all.emplace_back(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(each)),
                     CRYPTO_BUFFER_len(each));
  }
  return all;
}

HandshakeFacts Engine::facts() const {
  HandshakeFacts facts;
  const SSL* ssl = Ssl(ssl_);
  if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
    facts.server_name = name;
  }
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl);
  if (cipher == nullptr) return facts;
  facts.version = SSL_get_version(ssl);
  facts.cipher = SSL_CIPHER_standard_name(cipher);
  facts.resumed = SSL_session_reused(ssl) != 0;
  const uint8_t* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
  facts.alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  return facts;
}

}  // namespace poplar::tls
