#include "proxy/io/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace poplar::io {

void Timer::Arm(Time deadline) {
  Disarm();
  deadline_ = deadline;
  wheel_.Insert(*this);
}

void Timer::Disarm() {
  if (armed()) wheel_.Unlink(*this);
}

TimerWheel::TimerWheel(Time start) : start_(start) {}

TimerWheel::~TimerWheel() { assert(armed_ == 0); }

// Rounded up: never early.
uint64_t TimerWheel::StepOf(Time deadline) const {
  const Duration since = std::max(deadline - start_, Duration::zero());
  const bool partial = since.count() % kStep.count() != 0;
  return static_cast<uint64_t>(since.count() / kStep.count() + (partial ? 1 : 0));
}

void TimerWheel::Insert(Timer& timer) {
  constexpr uint64_t kHorizon = (uint64_t{1} << (kSlotBits * kLevels)) - 1;
  const uint64_t target = std::clamp(StepOf(timer.deadline_), step_ + 1, step_ + kHorizon);
  // The level is that of the highest bit in which the target differs from now.
  const int level =
      std::min((static_cast<int>(std::bit_width(target ^ step_)) - 1) / kSlotBits, kLevels - 1);
  const uint64_t slot = (target >> (level * kSlotBits)) & (kSlots - 1);
  Timer*& head = slots_[level][slot];
  timer.next_ = head;
  if (head != nullptr) head->link_ = &timer.next_;
  head = &timer;
  timer.link_ = &head;
  occupied_[level] |= uint64_t{1} << slot;
  ++armed_;
}

// Its number, counted over all levels; nothing: it is another timer's.
std::optional<uint64_t> TimerWheel::SlotAt(Timer** link) const {
  const auto begin = reinterpret_cast<uintptr_t>(&slots_);
  const auto at = reinterpret_cast<uintptr_t>(link);
  if (at < begin || at >= begin + sizeof(slots_)) return std::nullopt;
  return (at - begin) / sizeof(Timer*);
}

void TimerWheel::Unlink(Timer& timer) {
  *timer.link_ = timer.next_;
  if (timer.next_ != nullptr) {
    timer.next_->link_ = timer.link_;
  } else if (const std::optional<uint64_t> slot = SlotAt(timer.link_)) {
    occupied_[*slot / kSlots] &= ~(uint64_t{1} << (*slot % kSlots));
  }
  timer.link_ = nullptr;
  timer.next_ = nullptr;
  --armed_;
}

// Fires or, from a coarser level, moves down what stands in the slot. One at a time from the head:
// a callback may disarm or re-arm any other timer of the same slot.
void TimerWheel::FireDue(int level, uint64_t slot) {
  while (Timer* timer = slots_[level][slot]) {
    Unlink(*timer);
    if (StepOf(timer->deadline_) <= step_) {
      timer->callback_(timer->context_);
    } else {
      Insert(*timer);
    }
  }
}

void TimerWheel::Advance(Time now) {
  const Duration since = std::max(now - start_, Duration::zero());
  const auto target = static_cast<uint64_t>(since.count() / kStep.count());
  while (step_ < target) {
    if (armed_ == 0) {
      step_ = target;
      return;
    }
    const std::optional<Time> next = NextStep();
    const auto next_step = static_cast<uint64_t>((*next - start_).count() / kStep.count());
    if (next_step > target) {
      step_ = target;
      return;
    }
    step_ = next_step;
    // Coarser levels first: what moves down may be due in this very step.
    for (int level = kLevels - 1; level >= 0; --level) {
      const uint64_t below = (uint64_t{1} << (level * kSlotBits)) - 1;
      if ((step_ & below) == 0) FireDue(level, (step_ >> (level * kSlotBits)) & (kSlots - 1));
    }
  }
}

std::optional<Time> TimerWheel::NextStep() const {
  if (armed_ == 0) return std::nullopt;
  uint64_t best = UINT64_MAX;
  for (int level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    const int shift = level * kSlotBits;
    const uint64_t position = (step_ >> shift) & (kSlots - 1);
    // Slots after the current position, cyclically; the position itself comes last (a whole turn
    // ahead).
    const uint64_t rotated = std::rotr(occupied_[level], static_cast<int>((position + 1) % kSlots));
    const auto ahead = static_cast<uint64_t>(std::countr_zero(rotated)) + 1;
    best = std::min(best, ((step_ >> shift) + ahead) << shift);
  }
  return start_ + kStep * static_cast<int64_t>(best);
}

}  // namespace poplar::io
