#include "proxy/io/system_clock.h"

#include <sys/random.h>
#include <time.h>

#include <cstdlib>
#include <thread>
#include <utility>

namespace poplar::io {

Time SystemClock::Now() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return Time(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

int64_t SystemClock::UnixMicros() const {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

uint64_t SystemRandom::Next() {
  if (left_ == 0) {
    // Blocks of up to 256 bytes are never cut short once the generator is seeded (getrandom(2)).
    if (getrandom(block_, sizeof(block_), 0) != ssize_t{sizeof(block_)}) std::abort();
    left_ = kBlock;
  }
  // What was drawn may become a key: it lies nowhere else.
  return std::exchange(block_[--left_], 0);
}

void BlockThread(Duration duration) { std::this_thread::sleep_for(duration); }

}  // namespace poplar::io
