#include "bench/generator/tally.h"

#include <algorithm>

#include "metrics/json.h"

namespace poplar::bench {
namespace {

constexpr Tally::Nanos kStall = std::chrono::seconds(3);
constexpr const char* kFailureNames[kFailures] = {"connect", "tls",   "refused",
                                                  "closed",  "stray", "timeout"};

double Millis(Tally::Nanos duration) { return static_cast<double>(duration.count()) / 1e6; }

std::string JsonOf(const LatencyHistogram& histogram) {
  return metrics::JsonObject()
      .Number("count", histogram.count())
      .Real("mean_ms", Millis(histogram.mean()))
      .Real("p50_ms", Millis(histogram.Percentile(0.5)))
      .Real("p90_ms", Millis(histogram.Percentile(0.9)))
      .Real("p99_ms", Millis(histogram.Percentile(0.99)))
      .Real("p999_ms", Millis(histogram.Percentile(0.999)))
      .Real("max_ms", Millis(histogram.max()))
      .End();
}

}  // namespace

void Tally::SessionDone(Nanos took, bool resumed, bool counts) {
  ++all_done_;
  if (!counts) return;
  sessions_.Add(took);
  Ended(took);
  resumed_ += resumed ? 1 : 0;
}

void Tally::SessionFailed(Failure failure, const std::string& step, Nanos took, bool counts) {
  if (!counts) return;
  ++failed_;
  ++failures_[static_cast<size_t>(failure)];
  ++failed_steps_[step];
  Ended(took);
}

void Tally::Ended(Nanos took) {
  if (took > kStall) ++slow_;
  longest_ = std::max(longest_, took);
}

void Tally::Stalled(Nanos longest, bool counts) {
  if (counts && longest > kStall) ++stalled_;
}

void Tally::StepDone(const std::string& name, Nanos took, bool counts) {
  if (counts) steps_[name].Add(took);
}

std::string Tally::Json(Nanos elapsed, const std::string& tls_library) const {
  metrics::JsonObject failures;
  for (size_t i = 0; i < kFailures; ++i) failures.Number(kFailureNames[i], failures_[i]);
  metrics::JsonObject failed_at;
  for (const auto& [step, count] : failed_steps_) failed_at.Number(step, count);
  metrics::JsonObject steps;
  for (const auto& [name, histogram] : steps_) steps.Raw(name, JsonOf(histogram));
  return metrics::JsonObject()
      .Number("sessions", sessions_.count())
      .Number("all_sessions", all_done_)
      .Number("failed", failed_)
      .Number("resumed", resumed_)
      .Number("stalled_over_3s", stalled_)
      .Number("over_3s", slow_)
      .Real("longest_ms", Millis(longest_))
      .Number("bytes_received", bytes_)
      .Real("seconds", Millis(elapsed) / 1e3)
      .Text("tls_library", tls_library)
      .Raw("failures", failures.End())
      .Raw("failed_at", failed_at.End())
      .Raw("session", JsonOf(sessions_))
      .Raw("steps", steps.End())
      .End();
}

}  // namespace poplar::bench
