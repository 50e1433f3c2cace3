#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/io/buffer.h"
#include "proxy/tls/engine.h"

namespace poplar::tls {

// An engine with its buffers, driven by hand: what it sends piles up in `sent`.
class EngineParty {
 public:
  EngineParty(io::BufferPool& pool, std::unique_ptr<Engine> engine)
      : engine(std::move(engine)), pool_(pool), in_(Take()) {}

  bool Handshake() {
    if (engine->handshaken()) return true;
    status = Status::kWantOutput;
    while (status == Status::kWantOutput) {
      io::Buffer out = Take();
      status = engine->Handshake(in_, out);
      sent += out.bytes();
      if (status == Status::kWantOutput) ++flushes;
    }
    return status == Status::kOk;
  }
  bool handshaken() const { return engine->handshaken(); }
  bool failed() const { return status == Status::kFailed; }

  // At most what an empty buffer holds.
  void Receive(std::string_view bytes) {
    if (in_.empty()) in_.Clear();
    ASSERT_EQ(in_.Append(bytes), bytes.size());
  }

  // All that can be read; `status` is how it ended.
  std::string Read() {
    std::string text;
    do {
      io::Buffer plaintext = Take();
      status = engine->Read(in_, plaintext);
      text += plaintext.bytes();
    } while (status == Status::kOk);
    sent += engine->TakeAlert();
    return text;
  }

  void Write(std::string_view bytes) {
    do {
      io::Buffer out = Take();
      size_t taken = 0;
      status = engine->Write(bytes, &taken, out);
      sent += out.bytes();
      bytes.remove_prefix(taken);
    } while (status == Status::kWantOutput);
  }

  void CloseNotify() {
    io::Buffer out = Take();
    status = engine->Shutdown(out);
    sent += out.bytes();
  }

  io::Buffer& in() { return in_; }

  std::unique_ptr<Engine> engine;
  std::string sent;
  Status status = Status::kWantInput;
  int flushes = 0;

 private:
  io::Buffer Take() { return pool_.TryTake(io::BufferUse::kSend); }

  io::BufferPool& pool_;
  io::Buffer in_;
};

// The first `chunk` bytes of what one has sent.
inline std::string TakeChunk(std::string& sent, size_t chunk) {
  std::string piece = sent.substr(0, chunk);
  sent.erase(0, piece.size());
  return piece;
}

// Carries bytes to and fro, `chunk` at a time, until both are done or nothing moves any more.
template <class Client, class Server>
bool ShakeHands(Client& client, Server& server, size_t chunk = 16384) {
  client.Handshake();
  while (!client.sent.empty() || !server.sent.empty()) {
    if (!client.sent.empty()) {
      server.Receive(TakeChunk(client.sent, chunk));
      if (!server.failed() && !server.handshaken()) server.Handshake();
    }
    if (!server.sent.empty()) {
      client.Receive(TakeChunk(server.sent, chunk));
      if (!client.failed() && !client.handshaken()) client.Handshake();
    }
  }
  return client.handshaken() && server.handshaken();
}

// All that `from` has sent, `chunk` at a time; what `to` read of it.
template <class From, class To>
std::string Deliver(From& from, To& to, size_t chunk = 16384) {
  std::string text;
  while (!from.sent.empty()) {
    to.Receive(TakeChunk(from.sent, chunk));
    text += to.Read();
  }
  return text;
}

}  // namespace poplar::tls
