#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/io/clock.h"

namespace poplar::simulation {

// The last things that happened in a world, kept as numbers and turned into lines only when
// somebody reads them; and a running digest of all of them, by which two runs are compared.
class EventLog {
 public:
  explicit EventLog(io::Time start) : start_(start) {}

  // Who can do things; the number stands for the name from then on.
  int AddActor(std::string_view name);

  // `what` must be a literal. A socket of -1 and an amount of kNone aren't printed.
  static constexpr int64_t kNone = INT64_MIN;
  void Add(io::Time now, int actor, const char* what, int64_t socket = -1, int64_t amount = kNone);
  // The same with words of the scenario's own.
  void Note(io::Time now, int actor, std::string text);

  void Print(std::FILE* out) const;
  uint64_t digest() const { return digest_; }

 private:
  static constexpr size_t kLines = 400;  // what a reader can take in
  struct Line {
    io::Time time{};
    int actor = 0;
    const char* what = nullptr;
    int64_t socket = -1;
    int64_t amount = kNone;
    std::string note;
  };

  Line& NextLine(io::Time now, int actor);
  void Mix(uint64_t value);

  io::Time start_;
  std::vector<std::string> actors_;
  std::array<Line, kLines> lines_;
  uint64_t count_ = 0;
  uint64_t digest_ = 0;
};

}  // namespace poplar::simulation
