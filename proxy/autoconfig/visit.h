#pragma once

#include <memory>
#include <utility>

#include "proxy/admission/connection_limits.h"
#include "proxy/admission/seniority.h"
#include "proxy/autoconfig/service.h"
#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"
#include "proxy/tls/stream.h"

namespace poplar::autoconfig {

using Place = admission::ConnectionLimits::Place;

// A client's connection: one request, one answer, the end.
class Visit final : public admission::Newcomer {
 public:
  Visit(io::Proactor& proactor, std::shared_ptr<const Service> service, Observer& observer,
        const io::Accepted& accepted, bool secure, Place place);
  ~Visit();

  io::Task<void> Run();

  void Abort() { stream_->Abort(); }
  // There are too many connections without a login; this is one, like those of sessions.
  void GiveWay() override;

 private:
  struct Ending {
    Form form = Form::kNone;
    Result result = Result::kBroken;
  };

  io::Task<Ending> Serve();
  io::Task<void> Leave();

  io::Proactor& proactor_;
  const std::shared_ptr<const Service> service_;
  Observer& observer_;
  const io::Address client_;
  const bool secure_;
  Place place_;
  std::unique_ptr<io::Stream> stream_;
  tls::TlsStream* tls_ = nullptr;  // the stream, where it is one
  bool gave_way_ = false;
};

}  // namespace poplar::autoconfig
