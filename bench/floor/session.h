#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "bench/floor/client_login.h"
#include "bench/floor/proxy.h"
#include "bench/floor/tls.h"

namespace poplar::bench {

struct FloorProxy::Session {
  static constexpr size_t kBytes = size_t{16} * 1024;
  static constexpr size_t kBytesOfNode =
      size_t{128} * 1024;  // at once: fewer calls, larger packets

  enum class Stage : uint8_t {
    kHandshake,
    kLogin,  // with --parked alone, as is kLeaving
    kRelay,
    kLeaving,  // the last word is said, the client's end is awaited
  };

  explicit Session(SSL_CTX& context) : tls(context) {}

  int client = -1;
  int node = -1;
  int in_flight = 0;
  Stage stage = Stage::kHandshake;
  bool ending = false;
  bool asked = false;       // the node, which has said nothing since
  bool sending = false;     // to the client
  bool node_waits = false;  // for that
  std::string on_its_way;   // to the client
  FloorTls tls;
  ClientLogin login;
  std::array<char, kBytes> from_client;
  std::array<char, kBytesOfNode> from_node;
  std::array<char, kBytes> to_node;  // a record's, at most
};

}  // namespace poplar::bench
