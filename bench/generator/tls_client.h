#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace poplar::bench {

struct FreeTls {
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_session_st* session) const;
  void operator()(ssl_st* connection) const;
};

// A session that may be resumed by the next connection; empty: there is none yet.
using TlsTicket = std::unique_ptr<ssl_session_st, FreeTls>;

// What comes of one try of something on a socket that doesn't block.
enum class TlsResult { kDone, kAgain, kClosed, kFailed };

// A connection by the system's OpenSSL, so that no code of what is measured does the measuring.
// TLS 1.3; the certificate is none of its business.
class TlsConnection {
 public:
  // `ticket` is where the newest of the server's tickets goes; null: none is wanted.
  TlsConnection(ssl_ctx_st& context, int socket, TlsTicket* ticket);

  // True: the handshake offers the ticket, if there is one.
  void OfferTicket();

  TlsResult Handshake();
  bool resumed() const;
  // Takes as much as it can; `rest` is what is left.
  TlsResult Write(std::string_view& rest);
  TlsResult Read(char* into, size_t room, size_t& got);
  void CloseNotify();

 private:
  TlsResult ResultOf(int returned) const;

  std::unique_ptr<ssl_st, FreeTls> connection_;
  TlsTicket* ticket_;
};

using TlsContext = std::unique_ptr<ssl_ctx_st, FreeTls>;

// Of all connections. Null: OpenSSL refused.
TlsContext MakeTlsContext();

// What it is, for the report.
std::string TlsLibrary();

}  // namespace poplar::bench
