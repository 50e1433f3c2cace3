#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <optional>
#include <string_view>

#include "bench/generator/tls_client.h"

namespace poplar::bench {

// One connection to the server, with or without TLS. Nothing blocks.
class Wire {
 public:
  // Connects from `source`, a port of the kernel's choice; a null context: in the clear. Whether
  // it is connected shows later. Nothing: no socket is to be had.
  static std::optional<Wire> Open(const sockaddr_storage& server, const sockaddr_storage& source,
                                  ssl_ctx_st* context, TlsTicket* ticket, bool resume);
  ~Wire();
  Wire(Wire&& other) noexcept;
  Wire& operator=(Wire&&) = delete;

  int descriptor() const { return descriptor_; }
  // Once the socket is writable: 0 or an errno.
  int ConnectError() const;
  TlsResult Handshake();
  bool resumed() const { return tls_ && tls_->resumed(); }
  TlsResult Write(std::string_view& rest);
  TlsResult Read(char* into, size_t room, size_t& got);
  // Says goodbye, if TLS has a word for it; the destructor closes.
  void Finish();

 private:
  explicit Wire(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
  std::optional<TlsConnection> tls_;
};

}  // namespace poplar::bench
