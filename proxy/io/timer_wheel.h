#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "proxy/io/clock.h"

namespace poplar::io {

class TimerWheel;

// A deadline that calls its owner once when it passes. Lives inside its owner; disarms itself when
// destroyed.
class Timer {
 public:
  using Callback = void (*)(void* context);
  Timer(TimerWheel& wheel, Callback callback, void* context)
      : wheel_(wheel), callback_(callback), context_(context) {}
  ~Timer() { Disarm(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces an earlier deadline. O(1). Fires at the first wheel step at or after `deadline`, never
  // before it.
  void Arm(Time deadline);
  void Disarm();
  bool armed() const { return link_ != nullptr; }
  Time deadline() const { return deadline_; }

 private:
  friend class TimerWheel;
  TimerWheel& wheel_;
  Callback callback_;
  void* context_;
  Time deadline_{};
  Timer* next_ = nullptr;
  Timer** link_ = nullptr;  // what points to it: the one before it, or its slot
};

// A hierarchical timing wheel (Varghese and Lauck 1987): O(1) to arm and disarm, whatever the
// number of timers. POP3's timeouts are coarse, so a step is 16 ms. One thread; never reads a clock
// of its own.
class TimerWheel {
 public:
  static constexpr Duration kStep = std::chrono::milliseconds(16);

  explicit TimerWheel(Time start);
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Fires everything due at `now`. A callback may arm and disarm any timer.
  void Advance(Time now);

  // When Advance should be called next; a little early at times (a timer of a coarser level moves
  // down then), never late.
  std::optional<Time> NextStep() const;

  size_t armed() const { return armed_; }

 private:
  friend class Timer;
  static constexpr int kLevels = 5;  // 64^5 steps of 16 ms: 198 days
  static constexpr int kSlotBits = 6;
  static constexpr uint64_t kSlots = 1u << kSlotBits;

  void Insert(Timer& timer);
  void Unlink(Timer& timer);
  std::optional<uint64_t> SlotAt(Timer** link) const;
  void FireDue(int level, uint64_t slot);
  uint64_t StepOf(Time deadline) const;

  Time start_;
  uint64_t step_ = 0;  // the last step that was advanced to
  size_t armed_ = 0;
  std::array<std::array<Timer*, kSlots>, kLevels> slots_{};
  std::array<uint64_t, kLevels> occupied_{};  // a bit a slot
};

}  // namespace poplar::io
