#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>
#include <vector>

#include "proxy/io/timer_wheel.h"

namespace poplar::bench {
namespace {

// Each command of each session moves its idle timer: armed anew, hardly ever fired.
void RearmAmongMany(benchmark::State& state) {
  const io::Time start{};
  io::TimerWheel wheel(start);
  std::vector<std::unique_ptr<io::Timer>> timers;
  for (int64_t i = 0; i < state.range(0); ++i) {
    timers.push_back(std::make_unique<io::Timer>(wheel, [](void*) {}, nullptr));
    timers.back()->Arm(start + std::chrono::minutes(10) + std::chrono::milliseconds(i));
  }
  size_t next = 0;
  io::Time now = start;
  for (auto each : state) {
    now += std::chrono::microseconds(10);
    timers[next++ % timers.size()]->Arm(now + std::chrono::minutes(10));
    if (next % 64 == 0) wheel.Advance(now);
  }
}
BENCHMARK(RearmAmongMany)->Arg(50'000)->Iterations(500'000);

}  // namespace
}  // namespace poplar::bench
