#pragma once

#include <cstddef>
#include <cstdint>

#include "proxy/io/buffer.h"
#include "proxy/io/clock.h"
#include "tests/simulation/seeded_random.h"

namespace poplar::simulation {

class World;

// What a network and the machines on it do to those who use them. The defaults are a kind world:
// quick, whole, faultless.
struct Faults {
  // --- these delay and cut, but lose nothing
  io::Duration latency_min = std::chrono::microseconds(20);
  io::Duration latency_max = std::chrono::microseconds(200);
  size_t segment_bytes_max = size_t{16} * 1024;       // pieces in which bytes travel; 1: one by one
  size_t read_bytes_max = io::kLargeReceiveBytesMax;  // most that a receive brings
  size_t send_buffer_bytes = size_t{64} * 1024;       // the sender's kernel holds so much
  size_t receive_window_bytes = size_t{64} * 1024;    // and the receiver's so much
  uint64_t bytes_per_second = 0;                      // of a connection's direction; 0: unlimited
  double stall = 0;                                   // a segment: the direction stands still
  io::Duration stall_max = std::chrono::seconds(2);
  io::Duration turn_delay_max{};    // from a completion to the turn of the loop that sees it
  io::Duration cancel_delay_max{};  // from a cancellation to its effect
  int ready_batch = 64;             // coroutines resumed in a turn
  size_t buffer_bytes = 256 * io::kBufferBytes;  // a worker's pool

  // --- these lose something
  double reset = 0;            // a segment: a box on the way resets both ends
  double silence = 0;          // a segment: from there on nothing arrives, in either direction
  double connect_refused = 0;  // a connect
  double connect_lost = 0;     // a connect: ends only with ETIMEDOUT, or aborted
  double accept_error = 0;     // an accept: EMFILE, ECONNABORTED
  bool reset_discards_unread = false;  // Linux keeps what had arrived before the RST; others don't

  // Nobody's connection can fail in such a world, unless an end of it wants so.
  bool lossless() const {
    return reset == 0 && silence == 0 && connect_refused == 0 && connect_lost == 0;
  }

  // Swarm testing (Groce et al. 2012): a random set of the faults is on, each as strong as drawn.
  // Worlds with all faults on at once hardly get anywhere and miss what the others find.
  static Faults Draw(SeededRandom& random);
  // Those that the world is told without are off.
  void LeaveOut(World& world);
};

}  // namespace poplar::simulation
