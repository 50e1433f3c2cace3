#include "proxy/io/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "tests/simulation/seeded_random.h"

namespace poplar::io {
namespace {

using simulation::SeededRandom;
using std::chrono::milliseconds;

constexpr Time kStart = Time(std::chrono::hours(77) + std::chrono::nanoseconds(12345));

struct Fired {
  int count = 0;
  static void On(void* context) { ++static_cast<Fired*>(context)->count; }
};

TEST(TimerWheelTest, FiresAtTheFirstStepAtOrAfterTheDeadline) {
  TimerWheel wheel(kStart);
  Fired fired;
  Timer timer(wheel, &Fired::On, &fired);
  timer.Arm(kStart + TimerWheel::kStep + Duration(1));
  wheel.Advance(kStart + 2 * TimerWheel::kStep - Duration(1));
  EXPECT_EQ(fired.count, 0);
  EXPECT_TRUE(timer.armed());
  wheel.Advance(kStart + 2 * TimerWheel::kStep);
  EXPECT_EQ(fired.count, 1);
  EXPECT_FALSE(timer.armed());
  wheel.Advance(kStart + 1000 * TimerWheel::kStep);
  EXPECT_EQ(fired.count, 1);
}

TEST(TimerWheelTest, ADeadlineThatHasPassedFiresAtTheNextStep) {
  TimerWheel wheel(kStart);
  wheel.Advance(kStart + 10 * TimerWheel::kStep);
  Fired fired;
  Timer timer(wheel, &Fired::On, &fired);
  timer.Arm(kStart - std::chrono::hours(1));
  wheel.Advance(kStart + 10 * TimerWheel::kStep);
  EXPECT_EQ(fired.count, 0);
  EXPECT_EQ(wheel.NextStep(), kStart + 11 * TimerWheel::kStep);
  wheel.Advance(kStart + 11 * TimerWheel::kStep);
  EXPECT_EQ(fired.count, 1);
}

TEST(TimerWheelTest, DestroyingATimerDisarmsIt) {
  TimerWheel wheel(kStart);
  Fired fired;
  {
    Timer timer(wheel, &Fired::On, &fired);
    timer.Arm(kStart + milliseconds(50));
    EXPECT_EQ(wheel.armed(), 1u);
  }
  EXPECT_EQ(wheel.armed(), 0u);
  EXPECT_EQ(wheel.NextStep(), std::nullopt);
  wheel.Advance(kStart + std::chrono::hours(1));
  EXPECT_EQ(fired.count, 0);
}

TEST(TimerWheelTest, TheFarthestDeadlineThereIs) {
  TimerWheel wheel(kStart);
  Fired fired;
  Timer timer(wheel, &Fired::On, &fired);
  timer.Arm(Time::max());
  for (int year = 1; year <= 50; ++year)
    wheel.Advance(kStart + std::chrono::hours(24 * 365 * year));
  EXPECT_EQ(fired.count, 0);
  EXPECT_TRUE(timer.armed());
}

TEST(TimerWheelTest, TimeThatStandsStillOrGoesBackFiresNothing) {
  TimerWheel wheel(kStart);
  Fired fired;
  Timer timer(wheel, &Fired::On, &fired);
  wheel.Advance(kStart + milliseconds(160));
  timer.Arm(kStart + milliseconds(320));
  wheel.Advance(kStart + milliseconds(160));
  wheel.Advance(kStart);
  wheel.Advance(kStart - milliseconds(500));
  EXPECT_EQ(fired.count, 0);
  wheel.Advance(kStart + milliseconds(320));
  EXPECT_EQ(fired.count, 1);
}

// The wheel beside a std::multimap that does the same the slow way.
class Differential {
 public:
  Differential(uint64_t seed, int timers) : random_(seed, "timer wheel"), wheel_(kStart) {
    for (int i = 0; i < timers; ++i) timers_.emplace_back(*this, i);
  }

  void Run(int rounds) {
    for (int i = 0; i < rounds && !testing::Test::HasFailure(); ++i) {
      if (random_.Chance(0.3)) {
        Advance(now_ + DrawSpan());
      } else if (random_.Chance(0.2)) {
        DriveByNextStep();
      } else {
        ChangeOne(step_);
      }
      CheckNextStep();
    }
    for (Entry& entry : timers_) entry.timer.Disarm();
    EXPECT_EQ(wheel_.armed(), 0u);
  }

  int fired() const { return fired_; }

 private:
  struct Entry {
    Entry(Differential& differential, int number)
        : owner(differential), id(number), timer(differential.wheel_, &Entry::On, this) {}
    static void On(void* context) {
      auto* self = static_cast<Entry*>(context);
      self->owner.OnFire(*self);
    }
    Differential& owner;
    int id;
    Timer timer;
  };

  static int64_t CeilStep(Time time) {
    const int64_t since = std::max<int64_t>((time - kStart).count(), 0);
    return since / TimerWheel::kStep.count() + (since % TimerWheel::kStep.count() != 0 ? 1 : 0);
  }

  // Of every size from less than a step to more than the wheel's whole turn.
  Duration DrawSpan() {
    constexpr Duration kSpans[] = {milliseconds(40),           std::chrono::seconds(1),
                                   std::chrono::minutes(2),    std::chrono::hours(2),
                                   std::chrono::hours(24 * 5), std::chrono::hours(24 * 400)};
    return random_.Between(Duration(0), kSpans[random_.Below(random_.Chance(0.8) ? 4 : 6)]);
  }

  // `step`: the one the wheel stands at now, inside a callback too.
  void ChangeOne(int64_t step) {
    Entry& entry = timers_[random_.Below(timers_.size())];
    Forget(entry.id);
    if (random_.Chance(0.25)) {
      entry.timer.Disarm();
      EXPECT_FALSE(entry.timer.armed());
      return;
    }
    const Time deadline = now_ + DrawSpan() - (random_.Chance(0.1) ? DrawSpan() : Duration(0));
    entry.timer.Arm(deadline);
    due_.emplace(std::max(CeilStep(deadline), step + 1), entry.id);
  }

  void Forget(int id) {
    std::erase_if(due_, [id](const auto& due) { return due.second == id; });
  }

  void OnFire(Entry& entry) {
    ++fired_;
    ASSERT_FALSE(due_.empty()) << "fired without having been armed";
    const auto due = std::find_if(due_.begin(), due_.end(),
                                  [&](const auto& pair) { return pair.second == entry.id; });
    ASSERT_NE(due, due_.end()) << "fired without having been armed";
    EXPECT_EQ(due->first, due_.begin()->first) << "an earlier one is left";
    EXPECT_LE(due->first, target_) << "too early";
    const int64_t step = due->first;
    due_.erase(due);
    while (random_.Chance(0.4)) ChangeOne(step);
  }

  void Advance(Time now) {
    now_ = std::max(now_, now);
    target_ = (now_ - kStart).count() / TimerWheel::kStep.count();
    wheel_.Advance(now_);
    step_ = target_;
    EXPECT_EQ(wheel_.armed(), due_.size());
    if (!due_.empty()) {
      EXPECT_GT(due_.begin()->first, step_) << "too late";
    }
  }

  // As a worker does: sleeps until NextStep. Everything must fire exactly when it is due.
  void DriveByNextStep() {
    for (int i = 0; i < 20 && !due_.empty(); ++i) {
      const std::optional<Time> next = wheel_.NextStep();
      ASSERT_TRUE(next.has_value());
      const int fired_before = fired_;
      const int64_t first = due_.begin()->first;
      Advance(*next);
      const bool is_due = first <= step_;
      EXPECT_EQ(fired_ > fired_before, is_due);
    }
  }

  void CheckNextStep() {
    const std::optional<Time> next = wheel_.NextStep();
    ASSERT_EQ(next.has_value(), !due_.empty());
    if (!next) return;
    EXPECT_LE(*next, kStart + TimerWheel::kStep * due_.begin()->first) << "late";
    EXPECT_GT(*next, kStart + TimerWheel::kStep * step_) << "would spin";
  }

  SeededRandom random_;
  TimerWheel wheel_;
  std::deque<Entry> timers_;
  std::multimap<int64_t, int> due_;  // step -> timer
  Time now_ = kStart;
  int64_t step_ = 0;    // what the wheel was advanced to
  int64_t target_ = 0;  // of the Advance that runs
  int fired_ = 0;
};

TEST(TimerWheelTest, AgreesWithAMultimap) {
  int fired = 0;
  for (uint64_t seed = 1; seed <= 300 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Differential differential(seed, static_cast<int>(1 + seed % 40));
    differential.Run(400);
    fired += differential.fired();
  }
  EXPECT_GT(fired, 10'000);
}

}  // namespace
}  // namespace poplar::io
