#include "proxy/demo/service_model.h"

#include <cmath>
#include <numbers>
#include <utility>

namespace poplar::demo {
namespace {

// In (0, 1], so that it has a logarithm.
double Uniform(io::Random& random) {
  return (static_cast<double>(random.Next() >> 11) + 1) * 0x1p-53;
}

// By hand and not by <random>, whose distributions differ from library to library.
double Exponential(io::Random& random) { return -std::log(Uniform(random)); }

double Normal(io::Random& random) {  // Box and Muller
  const double radius = std::sqrt(2 * Exponential(random));
  return radius * std::cos(2 * std::numbers::pi * Uniform(random));
}

io::Duration Times(io::Duration duration, double factor) {
  return io::Duration(std::llround(static_cast<double>(duration.count()) * factor));
}

}  // namespace

Stalls::Stalls(const ServiceSettings& settings, io::Time start, io::Random& random)
    : settings_(settings), random_(random) {
  if (settings_.stall_every > io::Duration::zero()) Next(start);
}

void Stalls::Next(io::Time after) {
  begin_ = after + Times(settings_.stall_every, Exponential(random_));
  const io::Duration room = settings_.stall_longest - settings_.stall_shortest;
  end_ = begin_ + settings_.stall_shortest + Times(room, Uniform(random_));
}

io::Duration Stalls::Left(io::Time now) {
  while (end_ <= now) Next(end_);
  return begin_ <= now ? end_ - now : io::Duration::zero();
}

ServiceModel::ServiceModel(io::Proactor& proactor, const ServiceSettings& settings,
                           io::Random& times, io::Random& stalls)
    : proactor_(proactor),
      settings_(settings),
      times_(times),
      stalls_(settings, proactor.Now(), stalls) {}

io::Task<void> ServiceModel::Answer() {
  while (!stopped_) {
    const io::Duration left = stalls_.Left(proactor_.Now());
    if (left == io::Duration::zero()) co_return;
    co_await Pause(left);
  }
}

// A message that is under way when a stall begins is ready when its time is up, and sent when the
// stall is over.
io::Task<void> ServiceModel::Message() {
  co_await TakePlace();
  if (!stopped_) co_await Pause(ServiceTime());
  co_await Answer();
  LeavePlace();
}

void ServiceModel::Stop() {
  stopped_ = true;
  for (io::Event* pause : pauses_) pause->Signal();
  taken_ += static_cast<unsigned>(queue_.size());
  for (io::Event* waiting : std::exchange(queue_, {})) waiting->Signal();
}

io::Duration ServiceModel::ServiceTime() {
  const double sigma = settings_.spread;
  if (sigma == 0) return settings_.time;
  return Times(settings_.time, std::exp(sigma * Normal(times_) - sigma * sigma / 2));
}

io::Task<void> ServiceModel::Pause(io::Duration length) {
  if (length <= io::Duration::zero()) co_return;
  io::Event over(proactor_.ready());
  io::Timer timer(
      proactor_.timers(), [](void* event) { static_cast<io::Event*>(event)->Signal(); }, &over);
  timer.Arm(proactor_.Now() + length);
  const auto entry = pauses_.insert(pauses_.end(), &over);
  co_await over.Wait();
  pauses_.erase(entry);
}

io::Task<void> ServiceModel::TakePlace() {
  if (settings_.at_once == 0 || taken_ < settings_.at_once || stopped_) {
    ++taken_;
    co_return;
  }
  io::Event free(proactor_.ready());
  queue_.push_back(&free);
  co_await free.Wait();
}

// Handed over directly, so that nobody slips in between.
void ServiceModel::LeavePlace() {
  if (queue_.empty()) {
    --taken_;
    return;
  }
  queue_.front()->Signal();
  queue_.pop_front();
}

}  // namespace poplar::demo
