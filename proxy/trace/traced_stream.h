#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "proxy/io/stream.h"
#include "proxy/trace/tap.h"

namespace poplar::trace {

// A stream that is listened to. Only the streams of traced sessions are in one; all others cost
// nothing.
class TracedStream final : public io::Stream {
 public:
  // Who is at its other end.
  enum class Peer : uint8_t { kClient, kServer };

  TracedStream(std::unique_ptr<io::Stream> inner, Peer peer)
      : inner_(std::move(inner)), peer_(peer) {}

  // Also while it is in use.
  Taps& taps() { return taps_; }
  // Not while it is in use; then it is of no more use.
  std::unique_ptr<io::Stream> TakeInner() { return std::move(inner_); }

  io::Task<io::Result<io::Buffer>> Read() override;
  io::Task<io::Result<>> Write(std::string_view bytes) override;
  io::Task<io::Result<>> ShutdownWrite() override;
  std::string_view Fault() const override { return inner_->Fault(); }
  bool LookOut(io::Lookout& lookout) override { return inner_->LookOut(lookout); }
  void CancelRead() override { inner_->CancelRead(); }
  void Abort() override { inner_->Abort(); }
  bool Detach() override { return inner_->Detach(); }
  void Attach(io::Proactor& proactor) override { inner_->Attach(proactor); }
  bool Quiet() override { return inner_->Quiet(); }
  void TakeLittle() override { inner_->TakeLittle(); }

 private:
  void OnRead(const io::Result<io::Buffer>& read);
  void OnPeerLost(const io::Error& error);

  std::unique_ptr<io::Stream> inner_;
  const Peer peer_;
  Taps taps_;
};

}  // namespace poplar::trace
