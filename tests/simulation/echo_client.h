#pragma once

#include <string>

#include "proxy/io/task.h"
#include "tests/simulation/script.h"
#include "tests/simulation/seeded_random.h"

namespace poplar::simulation {

enum class EchoTemper {
  kPolite,       // sends all, half-closes, reads to the end
  kSlow,         // reads with pauses
  kFickle,       // cancels its reads and begins them anew
  kImpatient,    // aborts after a while
  kRude,         // resets after a while
  kIndifferent,  // never reads, closes at once
};
inline constexpr int kEchoTempers = 6;

// A client that checks every byte that comes back.
class EchoClient {
 public:
  EchoClient(SimProactor& proactor, io::Address server, size_t bytes, EchoTemper temper,
             SeededRandom random);

  io::Task<void> Run(io::Duration start_after);

  EchoTemper temper() const { return temper_; }
  bool done() const { return done_; }
  // Everything came back, and then the orderly end.
  bool complete() const { return complete_; }

 private:
  io::Task<void> Talk();
  io::Task<void> WriteAll();
  io::Task<void> ReadAll();
  void Check(std::string_view bytes);
  static void OnMood(void* context);
  void ArmMood(io::Duration most);

  SimProactor& proactor_;
  World& world_;
  const io::Address server_;
  const EchoTemper temper_;
  SeededRandom random_;
  std::string payload_;
  size_t received_ = 0;
  int pauses_left_ = 20;
  int cancels_left_ = 30;
  bool cancelled_ = false;  // a read of ours, by ourselves
  bool done_ = false;
  bool complete_ = false;
  ScriptedPeer* peer_ = nullptr;  // while Run runs
  io::Timer mood_;                // when the temper shows
};

}  // namespace poplar::simulation
