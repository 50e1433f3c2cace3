#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "proxy/io/buffer.h"
#include "proxy/io/stream.h"
#include "proxy/io/sync.h"
#include "proxy/tls/engine.h"

namespace poplar::tls {

// TLS over any stream, on either side of the connection. Handshake first, alone; then reading and
// writing go on side by side. A pooled buffer is held only while there are bytes in it: an idle
// Read holds none. TLS failures are EPROTO, and engine() tells which.
class TlsStream final : public io::Stream {
 public:
  TlsStream(std::unique_ptr<io::Stream> transport, std::unique_ptr<Engine> engine,
            io::BufferPool& buffers, io::RunList& ready);

  // Bounded by nothing but Abort: put a Deadline beside it. The peer has got the alert when this
  // fails with EPROTO; its leaving is ECONNRESET. `received`: what has come over the transport
  // already.
  io::Task<io::Result<>> Handshake(io::Buffer received = {});

  io::Task<io::Result<io::Buffer>> Read() override;
  io::Task<io::Result<>> Write(std::string_view bytes) override {
    return WriteRecords(bytes, false);
  }
  io::Task<io::Result<>> WriteMore(std::string_view bytes) override {
    return WriteRecords(bytes, true);
  }
  io::Task<io::Result<>> ShutdownWrite() override { return Finish({}); }
  io::Task<io::Result<>> Finish(std::string_view last) override;
  bool LookOut(io::Lookout& lookout) override;
  void CancelRead() override;
  void Abort() override;
  // Not before the handshake has ended, nor once the session has failed or the peer has ended it.
  bool Detach() override;
  void Attach(io::Proactor& proactor) override;
  bool Quiet() override;
  bool MoreWaits() const override;
  void TakeLittle() override { transport_->TakeLittle(); }

  std::string_view Fault() const override { return engine_->failure_text(); }

  const Engine& engine() const { return *engine_; }

 private:
  io::Task<io::Result<>> Receive();
  int Took(io::Result<io::Buffer>& received);
  io::Task<io::Result<>> WriteRecords(std::string_view bytes, bool more);
  io::Task<io::Result<>> Send(std::string_view sealed, bool more = false);
  POPLAR_OWN_FRAME io::Task<void> SendAlert();

  std::unique_ptr<io::Stream> transport_;
  std::unique_ptr<Engine> engine_;
  io::BufferPool* buffers_;  // null while detached
  io::Turn write_turn_;      // records must leave in the order in which they were sealed
  io::Buffer ciphertext_;
  bool reading_ = false;
  bool receiving_ = false;
  bool cancel_read_ = false;
  bool aborted_ = false;
};

}  // namespace poplar::tls
