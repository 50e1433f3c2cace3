#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/io/clock.h"
#include "tests/simulation/event_log.h"
#include "tests/simulation/seeded_random.h"

namespace poplar::simulation {

// Time that passes only from event to event.
class VirtualClock final : public io::Clock {
 public:
  explicit VirtualClock(io::Time start) : now_(start) {}
  io::Time Now() const override { return now_; }
  int64_t UnixMicros() const override;
  void AdvanceTo(io::Time time);
  // The wall clock only: what an NTP step or an operator does.
  void JumpWallClock(io::Duration by) { wall_offset_ += by; }

 private:
  io::Time now_;
  io::Duration wall_offset_{};
};

// Something that reacts to what events did to it; asked after every event.
class Actor {
 public:
  virtual ~Actor() = default;
  virtual void Poke() = 0;
};

// A deterministic world: one thread, one seed, virtual time, one queue of events ordered by time
// and, at the same time, by a draw from the seed. Everything random in it comes from the seed, so a
// run can be repeated exactly.
class World {
 public:
  // What a world is told without: names that Allows knows.
  using Omissions = std::set<std::string, std::less<>>;

  explicit World(uint64_t seed, Omissions without = {});
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  uint64_t seed() const { return seed_; }
  VirtualClock& clock() { return clock_; }
  io::Time Now() const { return clock_.Now(); }
  SeededRandom Stream(std::string_view name) const { return SeededRandom(seed_, name); }

  // Asked about each trouble that the seed has drawn for this world, by name, before it is let in.
  // False: it is told without it. All other draws stay as they are, so that a failure's causes can
  // be found by leaving out one after the other (shrink.h).
  bool Allows(const std::string& trouble);
  // What was asked for and let in.
  const std::set<std::string>& troubles() const { return troubles_; }
  const Omissions& without() const { return without_; }

  using Callback = void (*)(void* context, uint64_t argument);
  void At(io::Time time, Callback callback, void* context, uint64_t argument = 0);
  void At(io::Time time, std::function<void()> function);
  void After(io::Duration delay, std::function<void()> function) {
    At(Now() + delay, std::move(function));
  }
  // Drops the events of a context that goes away.
  void Forget(const void* context);

  void Join(Actor& actor) { actors_.push_back(&actor); }
  void Leave(Actor& actor) { std::erase(actors_, &actor); }

  // Lets events happen until the predicate, asked before the first and after each of them, is true.
  // False when `most` of virtual time has passed, when nothing is left that could happen
  // (dead-lock), or after kStepsMax events (live-lock); why_not() says which.
  bool RunUntil(const std::function<bool()>& predicate, io::Duration most);
  // The same, and a failure of the world when it is false.
  void MustReach(std::string_view what, const std::function<bool()>& predicate, io::Duration most);
  const std::string& why_not() const { return why_not_; }
  uint64_t steps() const { return steps_; }
  static constexpr uint64_t kStepsMax = 5'000'000;

  // Ends the process with the text, the event log and the command that replays the seed. An assert
  // that fails does the same (see replay.h).
  [[noreturn]] void Fail(const std::string& text);
  void Require(bool condition, const char* text) {
    if (!condition) Fail(text);
  }

  EventLog& log() { return log_; }
  void Log(int actor, const char* what, int64_t socket = -1, int64_t amount = EventLog::kNone) {
    log_.Add(Now(), actor, what, socket, amount);
  }

 private:
  struct Event {
    io::Time time;
    uint64_t tie;
    uint64_t sequence;
    Callback callback;
    void* context;
    uint64_t argument;
    // Turned around: the heap has its greatest on top, and we want the earliest there.
    bool operator<(const Event& other) const {
      if (time != other.time) return time > other.time;
      if (tie != other.tie) return tie > other.tie;
      return sequence > other.sequence;
    }
  };

  void PokeAll();
  void Step();
  static void CallFunction(void* context, uint64_t index);

  uint64_t seed_;
  const Omissions without_;
  std::set<std::string> troubles_;
  SeededRandom ties_;
  VirtualClock clock_;
  EventLog log_;
  std::vector<Event> queue_;  // a heap
  uint64_t sequence_ = 0;
  uint64_t steps_ = 0;
  std::deque<std::function<void()>> functions_;
  std::vector<Actor*> actors_;
  std::string why_not_;
};

}  // namespace poplar::simulation
