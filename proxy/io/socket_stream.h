#pragma once

#include <cassert>
#include <memory>

#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"

namespace poplar::io {

// What a stream takes at once where its peer has sent more than kReceiveBytesMax: that, or as much
// as a large buffer holds.
enum class Takes : uint8_t { kLittle, kMuch };

// A connected socket as a stream.
class SocketStream final : public Stream {
 public:
  SocketStream(Proactor& proactor, SocketId socket, Takes takes = Takes::kLittle)
      : proactor_(&proactor), socket_(socket), takes_(takes) {}
  ~SocketStream() override { proactor().Close(socket_); }

  Task<Result<Buffer>> Read() override;
  Task<Result<>> Write(std::string_view bytes) override;
  Task<Result<>> ShutdownWrite() override;
  Task<Result<>> WriteMore(std::string_view bytes) override;
  Task<Result<>> Finish(std::string_view last) override;
  bool LookOut(Lookout& lookout) override;
  void CancelRead() override;
  void Abort() override;
  bool Detach() override;
  void Attach(Proactor& proactor) override;
  bool Quiet() override;
  bool MoreWaits() const override { return proactor().DataLikely(socket_); }
  void TakeLittle() override { takes_ = Takes::kLittle; }

  // Before anything else, on a stream from OpenStream. Bounded by nothing but Abort: put a Deadline
  // beside it.
  Task<Result<>> Connect(Address to);

 private:
  Proactor& proactor() const {
    assert(proactor_ != nullptr);
    return *proactor_;
  }
  void TakeMore(Buffer& received);

  Proactor* proactor_;  // null while detached
  SocketId socket_;
  uint16_t error_ = 0;  // an errno that came behind the last bytes
  Takes takes_;
  bool reading_ : 1 = false;
  bool writing_ : 1 = false;  // or connecting
  bool aborted_ : 1 = false;
};

// A stream that is not connected yet.
Result<std::unique_ptr<SocketStream>> OpenStream(Proactor& proactor, int family,
                                                 Takes takes = Takes::kLittle);

}  // namespace poplar::io
