#pragma once

#include "proxy/io/clock.h"

namespace poplar::io {

// The machine's clocks (CLOCK_MONOTONIC, CLOCK_REALTIME). Stateless: any thread may use it.
class SystemClock final : public Clock {
 public:
  Time Now() const override;
  int64_t UnixMicros() const override;
};

// The kernel's generator, drawn in blocks. One per worker; not thread-safe.
class SystemRandom final : public Random {
 public:
  uint64_t Next() override;

 private:
  static constexpr int kBlock = 32;
  uint64_t block_[kBlock] = {};
  int left_ = 0;
};

// The calling thread does nothing for so long. Never on a worker.
void BlockThread(Duration duration);

}  // namespace poplar::io
