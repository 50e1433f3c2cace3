#pragma once

#include <cassert>
#include <memory>

#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"

namespace poplar::io {

// A connected socket as a stream.
class SocketStream final : public Stream {
 public:
  SocketStream(Proactor& proactor, SocketId socket) : proactor_(&proactor), socket_(socket) {}
  ~SocketStream() override { proactor().Close(socket_); }

  Task<Result<Buffer>> Read() override;
  Task<Result<>> Write(std::string_view bytes) override;
  Task<Result<>> ShutdownWrite() override;
  Task<Result<>> WriteMore(std::string_view bytes) override;
  Task<Result<>> Finish(std::string_view last) override;
  void CancelRead() override;
  void Abort() override;
  bool Detach() override;
  void Attach(Proactor& proactor) override;
  bool Quiet() override;
  bool MoreWaits() const override { return proactor().DataLikely(socket_); }

  // Before anything else, on a stream from OpenStream. Bounded by nothing but Abort: put a Deadline
  // beside it.
  Task<Result<>> Connect(Address to);

 private:
  Proactor& proactor() const {
    assert(proactor_ != nullptr);
    return *proactor_;
  }

  Proactor* proactor_;  // null while detached
  SocketId socket_;
  bool reading_ = false;
  bool writing_ = false;  // or connecting
  bool aborted_ = false;
};

// A stream that is not connected yet.
Result<std::unique_ptr<SocketStream>> OpenStream(Proactor& proactor, int family);

}  // namespace poplar::io
