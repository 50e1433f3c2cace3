#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/io/stream.h"

namespace poplar::account_probe {

// A stream that remembers the first bytes that came over it: what spoke there, should TLS not
// understand it.
class OverheardStream final : public io::Stream {
 public:
  explicit OverheardStream(std::unique_ptr<io::Stream> inner) : inner_(std::move(inner)) {}

  std::string_view first_bytes() const { return first_bytes_; }

  io::Task<io::Result<io::Buffer>> Read() override;
  io::Task<io::Result<>> Write(std::string_view bytes) override { return inner_->Write(bytes); }
  io::Task<io::Result<>> ShutdownWrite() override { return inner_->ShutdownWrite(); }
  std::string_view Fault() const override { return inner_->Fault(); }
  bool LookOut(io::Lookout& lookout) override { return inner_->LookOut(lookout); }
  void CancelRead() override { inner_->CancelRead(); }
  void Abort() override { inner_->Abort(); }
  bool Detach() override { return inner_->Detach(); }
  void Attach(io::Proactor& proactor) override { inner_->Attach(proactor); }
  bool Quiet() override { return inner_->Quiet(); }

 private:
  const std::unique_ptr<io::Stream> inner_;
  std::string first_bytes_;
};

}  // namespace poplar::account_probe
