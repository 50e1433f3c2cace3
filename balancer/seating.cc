#include "balancer/seating.h"

#include <algorithm>

namespace poplar::balancer {

Seating::Changes Seating::Take(const std::vector<std::string>& names) {
  Changes changes;
  std::vector<bool> named(seats_.size());
  // First those who sit: a newcomer takes nobody's seat away.
  for (const std::string& name : names) {
    const auto seat = FindName(name);
    changes.seats.push_back(seat);
    if (!seat) continue;
    named[*seat] = true;
    if (seats_[*seat].state != State::kLeaving) continue;
    seats_[*seat].state = State::kPresent;
    changes.came_back.push_back(*seat);
  }
  for (uint32_t i = 0; i < seats_.size(); ++i) {
    if (seats_[i].state != State::kPresent || named[i]) continue;
    seats_[i].state = State::kLeaving;
    changes.left.push_back(i);
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (changes.seats[i]) continue;
    changes.seats[i] = FindVacant();
    if (!changes.seats[i]) continue;
    seats_[*changes.seats[i]] = {names[i], State::kPresent};
    changes.came.push_back(*changes.seats[i]);
  }
  return changes;
}

std::vector<uint32_t> Seating::Vacate(const std::function<bool(uint32_t)>& is_free) {
  std::vector<uint32_t> vacated;
  for (uint32_t i = 0; i < seats_.size(); ++i) {
    if (seats_[i].state != State::kLeaving || !is_free(i)) continue;
    seats_[i] = {};
    vacated.push_back(i);
  }
  return vacated;
}

uint32_t Seating::Count(State state) const {
  return static_cast<uint32_t>(std::count_if(
      seats_.begin(), seats_.end(), [state](const Seat& seat) { return seat.state == state; }));
}

std::optional<uint32_t> Seating::FindName(const std::string& name) const {
  for (uint32_t i = 0; i < seats_.size(); ++i) {
    if (seats_[i].state != State::kVacant && seats_[i].name == name) return i;
  }
  return std::nullopt;
}

std::optional<uint32_t> Seating::FindVacant() const {
  for (uint32_t i = 0; i < seats_.size(); ++i) {
    if (seats_[i].state == State::kVacant) return i;
  }
  return std::nullopt;
}

}  // namespace poplar::balancer
