#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/io/buffer.h"
#include "proxy/io/run_list.h"
#include "proxy/tls/client_context.h"
#include "tests/unit/proxy/tls/engine_party.h"

namespace poplar::server {

// A client on loopback with a blocking socket and TLS. What doesn't come within 30 seconds never
// comes.
class TlsTestClient {
 public:
  explicit TlsTestClient(uint16_t port);
  ~TlsTestClient();
  TlsTestClient(const TlsTestClient&) = delete;
  TlsTestClient& operator=(const TlsTestClient&) = delete;

  bool Handshake();
  void Send(std::string_view bytes);
  // Reads on until what came ends so; all of it. Shorter at the end of the stream.
  std::string ReadTo(std::string_view end);
  std::string ReadToEnd() { return ReadTo({}); }
  // Sends and reads.
  std::string Ask(std::string_view bytes, std::string_view end = "\r\n") {
    Send(bytes);
    return ReadTo(end);
  }

 private:
  bool Exchange();
  void Flush();

  int descriptor_ = -1;
  io::RunList ready_;
  io::BufferPool buffers_;
  std::unique_ptr<tls::EngineParty> party_;
};

}  // namespace poplar::server
