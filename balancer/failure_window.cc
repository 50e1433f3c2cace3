#include "balancer/failure_window.h"

#include <cassert>

namespace poplar::balancer {

void FailureWindow::Add(const Counts& event, Moment now) {
  if (bucket_length_ <= Duration::zero()) return;
  const int64_t number = now / bucket_length_;
  assert(number >= 0);
  Bucket& bucket = buckets_[static_cast<size_t>(number % kBuckets)];
  // Threads read the clock before they take the lock, so an event may be a little older than the
  // one before it: when its bucket is gone already, it counts in the newer one.
  if (bucket.number < number) bucket = {.number = number, .counts = {}};
  bucket.counts.events += event.events;
  bucket.counts.failures += event.failures;
  bucket.counts.after_greeting += event.after_greeting;
}

FailureWindow::Counts FailureWindow::Sum(Moment now) const {
  Counts sum;
  if (bucket_length_ <= Duration::zero()) return sum;
  const int64_t newest = now / bucket_length_;
  for (const Bucket& bucket : buckets_) {
    if (bucket.number < 0 || bucket.number <= newest - kBuckets) continue;
    sum.events += bucket.counts.events;
    sum.failures += bucket.counts.failures;
    sum.after_greeting += bucket.counts.after_greeting;
  }
  return sum;
}

}  // namespace poplar::balancer
