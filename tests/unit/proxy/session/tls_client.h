#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "proxy/tls/client_context.h"
#include "tests/unit/proxy/session/session_bench.h"
#include "tests/unit/proxy/tls/engine_party.h"

namespace poplar::session {

// A client's end of TLS over a connection of the bench.
class TlsClient {
 public:
  static constexpr int64_t kHandshakeTime = 1'700'000'000;  // Unix time

  TlsClient(SessionBench& bench, upstream::DrivenPeer& peer)
      : bench_(bench),
        peer_(peer),
        party_(bench.poplar().buffers(), Context().NewConnection("x", kHandshakeTime, nullptr)) {}

  bool Handshake() {
    for (int flights = 0; flights < 5 && !party_.Handshake() && !party_.failed(); ++flights)
      Exchange();
    Exchange();
    return party_.handshaken();
  }
  std::string Ask(std::string_view line) {
    party_.Write(line);
    Exchange();
    return party_.Read();
  }

 private:
  static const tls::ClientContext& Context() {
    static const auto context =
        *tls::ClientContext::Create({.verify = tls::ClientSettings::Verify::kInsecure});
    return *context;
  }
  void Exchange() {
    peer_.Send(std::exchange(party_.sent, {}));
    bench_.Settle();
    party_.Receive(peer_.received());
    peer_.Forget();
  }

  SessionBench& bench_;
  upstream::DrivenPeer& peer_;
  tls::EngineParty party_;
};

}  // namespace poplar::session
