#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace poplar::server {

// A blocking socket that waits for 30 seconds; -1: refused.
int ConnectOnLoopback(uint16_t port);

// A client on loopback with a plain blocking socket: as far from the code under test as can be.
// What doesn't come within 30 seconds never comes.
class BlockingClient {
 public:
  explicit BlockingClient(uint16_t port);
  ~BlockingClient();
  BlockingClient(const BlockingClient&) = delete;
  BlockingClient& operator=(const BlockingClient&) = delete;

  // False: refused.
  bool connected() const { return descriptor_ >= 0; }

  void Send(std::string_view bytes);
  // Up to and with the next CRLF; shorter at the end of the stream.
  std::string ReadLine();
  // Everything up to the end of the stream, orderly or not.
  std::string ReadToEnd();
  // Sends a line and reads one.
  std::string Ask(std::string_view line);

 private:
  bool Fill();

  int descriptor_ = -1;
  std::string read_;
};

// The whole response; empty when nobody listens.
std::string HttpGet(uint16_t port, std::string_view path);
// The same for a POST without a body.
std::string HttpPost(uint16_t port, std::string_view path);

}  // namespace poplar::server
