#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace poplar::tls {

// TLS sessions that one node gave us, so that the next connection to it resumes one: no
// certificate, no signature. Safe from any thread. Holds at most kSessionsMax, the newest; a
// TLS 1.3 session is used once (RFC 8446 appendix C.4), a TLS 1.2 session until it expires.
//
// A resumed session shows no certificate, so it is as good as the verification when it was made:
// it is only resumed under the very context and for the very host that it was verified with, and
// not beyond its certificate's last day.
class ClientSessions {
 public:
  static constexpr size_t kSessionsMax = 16;

  ClientSessions();
  ~ClientSessions();
  ClientSessions(const ClientSessions&) = delete;
  ClientSessions& operator=(const ClientSessions&) = delete;

  // The node is another one now (its certificate or configuration changed), or didn't take one.
  void Forget();
  // A handshake that offered one came to nothing: perhaps it was the session that the node couldn't
  // bear. All are forgotten; and a node that does so again within kDistrust is resumed with no more
  // for that long, or every second connection to it would fail. (OpenSSL servers that verify
  // clients do so without a session id context, Dovecot 2.3 among them.)
  static constexpr int64_t kDistrustSeconds = 600;
  void OnRefused(int64_t unix_seconds);
  size_t size() const;

 private:
  friend class ClientContext;
  friend struct ClientCallbacks;
  struct Native;
  // Whose session: the context as the connections hold it, and the host.
  struct Verified {
    std::shared_ptr<const void> context;
    std::string_view host;
    int64_t unix_seconds;
  };
  // `session` is an SSL_SESSION* that passes to us.
  void Add(const Verified& by, void* session);
  // An SSL_SESSION* that passes to the caller, or null. `check_dates`: the certificate's.
  void* Take(const Verified& by, bool check_dates);
  std::unique_ptr<Native> native_;
};

}  // namespace poplar::tls
