#include "tests/simulation/world.h"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "tests/simulation/replay.h"

namespace poplar::simulation {
namespace {

constexpr int64_t kUnixStartMicros = 1'767'225'600'000'000;  // 2026-01-01

// Not zero, which code may take for "never", and on no round number.
io::Time DrawStart(SeededRandom random) {
  return io::Time(random.Between(std::chrono::hours(1), std::chrono::hours(1000)));
}

}  // namespace

int64_t VirtualClock::UnixMicros() const {
  const io::Duration since = now_.time_since_epoch() + wall_offset_;
  return kUnixStartMicros + std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

void VirtualClock::AdvanceTo(io::Time time) {
  assert(time >= now_);
  now_ = time;
}

World::World(uint64_t seed, Omissions without)
    : seed_(seed),
      without_(std::move(without)),
      ties_(Stream("ties")),
      clock_(DrawStart(Stream("start"))),
      log_(clock_.Now()) {
  SetReplayedWorld(this);
}

World::~World() { SetReplayedWorld(nullptr); }

bool World::Allows(const std::string& trouble) {
  if (without_.contains(trouble)) return false;
  troubles_.insert(trouble);
  return true;
}

void World::At(io::Time time, Callback callback, void* context, uint64_t argument) {
  queue_.push_back(
      Event{std::max(time, Now()), ties_.Next(), sequence_++, callback, context, argument});
  std::push_heap(queue_.begin(), queue_.end());
}

void World::At(io::Time time, std::function<void()> function) {
  functions_.push_back(std::move(function));
  At(time, &World::CallFunction, this, functions_.size() - 1);
}

void World::CallFunction(void* context, uint64_t index) {
  auto* world = static_cast<World*>(context);
  const std::function<void()> function = std::move(world->functions_[index]);
  function();
}

void World::Forget(const void* context) {
  std::erase_if(queue_, [context](const Event& event) { return event.context == context; });
  std::make_heap(queue_.begin(), queue_.end());
}

void World::PokeAll() {
  for (Actor* actor : actors_) actor->Poke();
}

void World::Step() {
  std::pop_heap(queue_.begin(), queue_.end());
  const Event event = queue_.back();
  queue_.pop_back();
  clock_.AdvanceTo(event.time);
  ++steps_;
  event.callback(event.context, event.argument);
  PokeAll();
}

bool World::RunUntil(const std::function<bool()>& predicate, io::Duration most) {
  const io::Time deadline = Now() + most;
  const uint64_t steps_end = steps_ + kStepsMax;
  why_not_.clear();
  PokeAll();
  while (!predicate()) {
    if (queue_.empty()) {
      why_not_ = "dead-lock: nothing is left that could happen";
    } else if (queue_.front().time > deadline) {
      clock_.AdvanceTo(deadline);
      why_not_ = "the virtual deadline has passed";
    } else if (steps_ == steps_end) {
      why_not_ = "live-lock: too many events";
    }
    if (!why_not_.empty()) return false;
    Step();
  }
  return true;
}

void World::MustReach(std::string_view what, const std::function<bool()>& predicate,
                      io::Duration most) {
  if (!RunUntil(predicate, most)) Fail("not reached: " + std::string(what) + " (" + why_not_ + ")");
}

void World::Fail(const std::string& text) {
  std::fprintf(stderr, "simulation failed: %s\n", text.c_str());
  std::abort();  // the handler in replay.cc prints the rest
}

}  // namespace poplar::simulation
