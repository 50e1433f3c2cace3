#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace poplar::balancer {

// Who is in a cluster whose nodes come and go, and has which of its seats. The seats are there from
// the start and for the process's life, each with a NodeId, a pool and a place in the metrics; a
// node sits down on one and leaves it, so that nothing ever grows or moves. One thread.
//
// Vacant -> Present: its name was in an answer. Present -> Leaving: it no longer is; sessions that
// live there go on, and nobody new comes. Leaving -> Present: it is back, on the same seat.
// Leaving -> Vacant: nothing of its users is left there, so that another node may sit down.
class Seating {
 public:
  enum class State : uint8_t { kVacant, kPresent, kLeaving };

  struct Seat {
    std::string name;  // of whom has it; empty: it is vacant
    State state = State::kVacant;
  };

  // What an answer has changed.
  struct Changes {
    // By the answer's order: each one's seat; nothing: there was none left.
    std::vector<std::optional<uint32_t>> seats;
    std::vector<uint32_t> came;       // present now, and vacant before
    std::vector<uint32_t> came_back;  // present now, and leaving before
    std::vector<uint32_t> left;       // leaving now
  };

  explicit Seating(uint32_t seats) : seats_(seats) {}

  // All that there are at this moment, each name once; the names on seats keep them, the others
  // take the vacant ones in the order given.
  Changes Take(const std::vector<std::string>& names);

  // Makes vacant whichever leaving seats `is_free` says that nothing is left on. Which ones.
  std::vector<uint32_t> Vacate(const std::function<bool(uint32_t seat)>& is_free);

  const std::vector<Seat>& seats() const { return seats_; }
  uint32_t Count(State state) const;

 private:
  std::optional<uint32_t> FindName(const std::string& name) const;
  std::optional<uint32_t> FindVacant() const;

  std::vector<Seat> seats_;
};

}  // namespace poplar::balancer
