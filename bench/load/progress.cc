#include "bench/load/progress.h"

#include <cstdio>
#include <utility>

namespace poplar::bench {
namespace {

constexpr std::chrono::seconds kInterval{2};

}  // namespace

Progress::Progress(io::Proactor& proactor, std::string what, const uint64_t& done, uint64_t total)
    : proactor_(proactor),
      what_(std::move(what)),
      done_(done),
      total_(total),
      last_(done),
      timer_(
          proactor.timers(), [](void* context) { static_cast<Progress*>(context)->Print(); },
          this) {
  timer_.Arm(proactor_.Now() + kInterval);
}

void Progress::Print() {
  const std::string of = total_ == 0 ? "" : " of " + std::to_string(total_);
  std::fprintf(stderr, "  %s: %llu%s, %llu a second\n", what_.c_str(),
               static_cast<unsigned long long>(done_), of.c_str(),
               static_cast<unsigned long long>((done_ - last_) / kInterval.count()));
  last_ = done_;
  timer_.Arm(proactor_.Now() + kInterval);
}

}  // namespace poplar::bench
