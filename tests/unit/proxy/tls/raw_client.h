#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace poplar::tls {

struct RawClientSettings {
  uint16_t version_min = 0x0301;
  uint16_t version_max = 0x0304;
  std::string ciphers = {};                         // of TLS 1.2 and below; empty: the library's
  std::string groups = {};                          // empty: the library's
  std::vector<uint16_t> signature_algorithms = {};  // empty: the library's
  std::string server_name = {};
  std::vector<std::string> alpn = {};
  std::string session = {};  // from RawClient::session()
};

// A client straight on the library with memory BIOs, independent of our engine, that can be told to
// misbehave. Verifies nothing.
class RawClient {
 public:
  explicit RawClient(const RawClientSettings& settings);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // Both: true when the handshake is done; what is to be sent stands in `sent`.
  bool Handshake();
  bool handshaken() const { return handshaken_; }
  bool failed() const { return !error.empty(); }

  void Receive(std::string_view bytes);
  // What could be read.
  std::string Read();
  void Write(std::string_view bytes);
  void CloseNotify();
  void KeyUpdate();

  bool peer_closed() const { return peer_closed_; }
  bool resumed() const;
  std::string peer_key_type() const;
  std::string peer_subject() const;
  std::string alpn() const;
  std::string session() const { return session_; }
  // How many the server has sent.
  int tickets() const { return tickets_; }

  std::string sent;
  std::string error;  // the library's words for the first failure

 private:
  struct Native;
  void Collect();
  void Note(int result);

  std::unique_ptr<Native> native_;
  bool handshaken_ = false;
  bool peer_closed_ = false;
  std::string session_;
  int tickets_ = 0;
};

}  // namespace poplar::tls
