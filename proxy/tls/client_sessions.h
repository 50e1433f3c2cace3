#pragma once

#include <cstdint>
#include <memory>

namespace poplar::tls {

// TLS sessions that one node gave us, so that the next connection to it resumes one: no
// certificate, no signature. Safe from any thread. Holds at most kSessionsMax, the newest; a
// TLS 1.3 session is used once (RFC 8446 appendix C.4), a TLS 1.2 session until it expires.
class ClientSessions {
 public:
  static constexpr size_t kSessionsMax = 16;

  ClientSessions();
  ~ClientSessions();
  ClientSessions(const ClientSessions&) = delete;
  ClientSessions& operator=(const ClientSessions&) = delete;

  // The node is another one now (its certificate or configuration changed), or didn't take one.
  void Forget();
  size_t size() const;

 private:
  friend class ClientContext;
  friend struct ClientCallbacks;
  struct Native;
  std::unique_ptr<Native> native_;
};

}  // namespace poplar::tls
