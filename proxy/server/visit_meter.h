#pragma once

#include "metrics/shard.h"
#include "proxy/autoconfig/service.h"
#include "proxy/server/log.h"

namespace poplar::server {

// Counts and logs a worker's clients that ask for their settings.
class VisitMeter final : public autoconfig::Observer {
 public:
  VisitMeter(metrics::Shard& shard, Log& log) : shard_(shard), log_(log) {}

  void VisitEnded(const io::Address& client, autoconfig::Form form,
                  autoconfig::Result result) override;

 private:
  metrics::Shard& shard_;
  Log& log_;
};

}  // namespace poplar::server
