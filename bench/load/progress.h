#pragma once

#include <cstdint>
#include <string>

#include "proxy/io/proactor.h"

namespace poplar::bench {

// While it lives: a line on stderr every two seconds, "opening: 3400 of 10000, 812 a second".
class Progress {
 public:
  // `done` is read when a line is due. `total` 0: unknown.
  Progress(io::Proactor& proactor, std::string what, const uint64_t& done, uint64_t total);

 private:
  void Print();

  io::Proactor& proactor_;
  std::string what_;
  const uint64_t& done_;
  uint64_t total_;
  uint64_t last_ = 0;
  io::Timer timer_;
};

}  // namespace poplar::bench
