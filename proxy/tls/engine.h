#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/io/buffer.h"
#include "proxy/tls/certificate_fault.h"
#include "proxy/tls/failure.h"

namespace poplar::tls {

class ClientSessions;

enum class Status : uint8_t {
  kOk,
  kWantInput,   // nothing more can be done until more ciphertext arrives
  kWantOutput,  // `out` is full: send it, then call again
  kClosed,      // the peer's close_notify
  kFailed,      // for good; failure() says why. What `out` holds (an alert) is still to be sent
};

// What was agreed. version and cipher point to the library's own constants.
struct HandshakeFacts {
  std::string_view version;  // "TLSv1.3"
  std::string_view cipher;   // the RFC's name: "TLS_AES_128_GCM_SHA256"
  bool resumed = false;
  std::string server_name;  // SNI, as the client wrote it: a stranger's bytes; empty: none
  std::string alpn;         // empty: none agreed
};

// One TLS connection without its socket: ciphertext in, plaintext out, and the other way round. It
// borrows the caller's buffers during a call and keeps none afterwards, so an idle connection costs
// what the library keeps (about 4 KiB). Ciphertext that a call didn't need stays in its buffer. Has
// no time-outs; one thread at a time.
class Engine {
 public:
  // One plaintext record, the most that TLS seals at once.
  static constexpr size_t kRecordBytesMax = size_t{16} * 1024;
  // Header, nonce, tag and padding of a record; generous.
  static constexpr size_t kSealBytesMax = 256;

  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // First of all, until kOk. A client starts with an empty `ciphertext`. Send `out` after each
  // call, whatever it returned.
  Status Handshake(io::Buffer& ciphertext, io::Buffer& out);

  // The peer has left in the midst of the handshake, without an alert.
  void OnPeerLeft();

  // Opens what came, as much as `plaintext` has room for. kOk: at least one byte. A failure behind
  // good bytes is reported by the next call.
  Status Read(io::Buffer& ciphertext, io::Buffer& plaintext);

  // Whether Read has something to say without more ciphertext.
  bool readable() const { return readable_; }
  // The same, or it keeps a part of a record that Read can't say anything of yet.
  bool HoldsInput() const;

  // Seals `bytes` into `out`; `taken` is how many of them it took. kOk: all. After kWantOutput call
  // again with the rest of the same bytes.
  Status Write(std::string_view bytes, size_t* taken, io::Buffer& out);

  // Seals a close_notify into `out`; reading may go on.
  Status Shutdown(io::Buffer& out);

  // The alert that a failed Read wants sent to the peer; empty: none. Hands it out once.
  std::string TakeAlert();

  bool handshaken() const { return handshaken_; }
  // The peer's own certificate in DER; empty: it showed none. Good while the engine lives.
  std::string_view peer_certificate() const;
  // All that it showed, its own first. Good while the engine lives.
  std::vector<std::string_view> peer_chain() const;
  // What is wrong with them, each kind once, where it is told rather than acted on (kReport).
  const std::vector<CertificateFault>& certificate_faults() const;
  HandshakeFacts facts() const;
  FailureReason failure() const;
  // Short, without secrets; may quote names of the peer's certificate.
  std::string_view failure_text() const;

 private:
  friend class ServerContext;
  friend class ClientContext;
  friend struct ClientCallbacks;
  friend struct EngineBio;
  struct Failure;
  // What only a client's end knows.
  struct Client {
    std::string host;                    // that the certificate must bear
    ClientSessions* sessions = nullptr;  // null: no resumption
    int64_t unix_seconds = 0;            // when the connection was made
    bool offered = false;                // a session to resume
    std::vector<CertificateFault> faults = {};
  };
  class Borrow;

  // `ssl` is an SSL* that the engine owns from here on: the library's types are opaque and may not
  // be declared by others. `context` is kept alive as long as the engine.
  Engine(void* ssl, std::shared_ptr<const void> context);
  // Why the peer's certificate is refused; called in the midst of a handshake.
  void NoteVerifyFailure(std::string text);
  // The same, where it isn't refused.
  void NoteCertificateFault(CertificateFault fault);
  Status Outcome(int result);
  void Fail();
  void NotePlainAlert(std::string_view read);

  void* ssl_;
  std::shared_ptr<const void> context_;
  std::unique_ptr<Failure> failure_;
  std::unique_ptr<std::string> alert_;
  std::unique_ptr<Client> client_;
  bool handshaken_ = false;
  bool readable_ = false;
};

}  // namespace poplar::tls
