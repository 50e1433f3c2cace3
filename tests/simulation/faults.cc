#include "tests/simulation/faults.h"

#include <array>

#include "tests/simulation/world.h"

namespace poplar::simulation {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

template <class T, size_t n>
T OneOf(SeededRandom& random, const std::array<T, n>& choices) {
  return choices[random.Below(n)];
}

void DrawDelays(SeededRandom& random, Faults& faults) {
  if (random.Chance(0.5)) faults.latency_max = random.Between(milliseconds(1), milliseconds(80));
  if (random.Chance(0.2)) faults.bytes_per_second = random.Between(20'000, 2'000'000);
  if (random.Chance(0.25)) faults.stall = 0.02;
  if (random.Chance(0.5)) faults.turn_delay_max = random.Between(microseconds(1), milliseconds(5));
  if (random.Chance(0.5))
    faults.cancel_delay_max = random.Between(microseconds(1), milliseconds(20));
}

void DrawSizes(SeededRandom& random, Faults& faults) {
  constexpr std::array<size_t, 7> kPieces = {1, 2, 5, 64, 512, 1460, 16384};
  constexpr std::array<size_t, 6> kBuffers = {1, 16, 300, 2048, 16384, 65536};
  if (random.Chance(0.6)) faults.segment_bytes_max = OneOf(random, kPieces);
  if (random.Chance(0.4)) faults.read_bytes_max = OneOf(random, kPieces);
  if (random.Chance(0.4)) faults.send_buffer_bytes = OneOf(random, kBuffers);
  if (random.Chance(0.4)) faults.receive_window_bytes = OneOf(random, kBuffers);
  if (random.Chance(0.4)) faults.ready_batch = static_cast<int>(random.Between(1, 8));
  if (random.Chance(0.4)) faults.buffer_bytes = random.Between(8, 24) * io::kBufferBytes;
}

void DrawLosses(SeededRandom& random, Faults& faults) {
  if (random.Chance(0.25)) faults.reset = OneOf(random, std::array{0.001, 0.01, 0.1});
  if (random.Chance(0.15)) faults.silence = OneOf(random, std::array{0.001, 0.01, 0.05});
  if (random.Chance(0.2)) faults.connect_refused = OneOf(random, std::array{0.05, 0.3, 1.0});
  if (random.Chance(0.15)) faults.connect_lost = OneOf(random, std::array{0.05, 0.3});
  faults.reset_discards_unread = random.Chance(0.5);
}

template <class T>
void Keep(World& world, const char* name, T& field, const T& kind) {
  if (field != kind && !world.Allows(name)) field = kind;
}

}  // namespace

void Faults::LeaveOut(World& world) {
  const Faults kind;
  Keep(world, "latency", latency_max, kind.latency_max);
  Keep(world, "slow links", bytes_per_second, kind.bytes_per_second);
  Keep(world, "stalls", stall, kind.stall);
  Keep(world, "late turns", turn_delay_max, kind.turn_delay_max);
  Keep(world, "late cancellations", cancel_delay_max, kind.cancel_delay_max);
  Keep(world, "small segments", segment_bytes_max, kind.segment_bytes_max);
  Keep(world, "small reads", read_bytes_max, kind.read_bytes_max);
  Keep(world, "small send buffers", send_buffer_bytes, kind.send_buffer_bytes);
  Keep(world, "small windows", receive_window_bytes, kind.receive_window_bytes);
  Keep(world, "small batches", ready_batch, kind.ready_batch);
  Keep(world, "few buffers", buffer_bytes, kind.buffer_bytes);
  Keep(world, "resets", reset, kind.reset);
  Keep(world, "silences", silence, kind.silence);
  Keep(world, "refused connects", connect_refused, kind.connect_refused);
  Keep(world, "lost connects", connect_lost, kind.connect_lost);
  Keep(world, "failing accepts", accept_error, kind.accept_error);
}

Faults Faults::Draw(SeededRandom& random) {
  Faults faults;
  DrawDelays(random, faults);
  DrawSizes(random, faults);
  if (random.Chance(0.2)) faults.accept_error = 0.2;
  if (random.Chance(0.6)) DrawLosses(random, faults);
  return faults;
}

}  // namespace poplar::simulation
